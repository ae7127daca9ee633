"""The shell around every page, and how a page is registered."""

from collections.abc import Callable
from typing import Any

import reflex as rx
from reflex.style import toggle_color_mode

from financial_live import cookies, rights, routes
from financial_live.contexts import accounts, donations
from financial_live.errors import Unavailable
from financial_live.rights import Act
from financial_live.ui import live
from financial_live.ui.components.icons import cross, mark, moon, sun
from financial_live.ui.components.values import count, jump, stale_line
from financial_live.ui.identity import scope_of, token_of
from financial_live.ui.text import t


class Shell(live.LoadsAgain, rx.State):
    """What every page shows: the flash, who is here, and whether they may manage campaigns."""

    flash_kind: str = ""
    flash_text: str = ""
    user_name: str = ""
    is_known: bool = False
    may_start: bool = False
    may_review: bool = False
    waiting: int = 0
    csrf: str = ""
    _flash_is_new: bool = False

    @rx.event
    async def arrive(self) -> Any:
        """Note who has arrived, and drop the flash that an earlier page has shown."""
        if not self._flash_is_new:
            self.flash_kind = self.flash_text = ""
        self._flash_is_new = False
        return await self._recognise()

    @rx.event
    async def load(self) -> Any:
        """Look again who is here, after that could not be known."""
        return await self._recognise()

    async def _recognise(self) -> Any:
        """Note who is here. Somebody else may sit here by now, so nobody is until they are known.

        The session may have been ended, and that be the reason why the page arrives. What they
        might do names nobody, and each act asks again: a form that is being filled in stays.
        """
        token = token_of(self)
        self.csrf = cookies.csrf_token(token) if token else ""
        try:
            scope = await scope_of(self)
            user = await accounts.find_user(scope, scope.user_id) if scope.user_id else None
            self.may_review = user is not None and await donations.is_reviewer(scope)
            found = await donations.waiting(scope) if self.may_review else []
        except Unavailable:
            self.is_known, self.user_name = False, ""
            self.may_review = False
            return Shell.load_again
        self.is_known = user is not None
        self.user_name = user.name if user else ""
        self.may_start = rights.allows(scope, Act.CREATE_CAMPAIGN)
        self.waiting = sum(one.gifts for one in found)
        return None

    @rx.event
    async def leave_rooms(self) -> None:
        """Stop following what the page before this one showed."""
        await live.unwatch(self)

    @rx.event
    def refused(self) -> None:
        """Say that the page asked for what the server does not know."""
        self._say("error", t("The site has changed since this page was opened. Load it again."))

    @rx.event
    def dismiss(self) -> None:
        """Close the flash."""
        self.flash_kind = self.flash_text = ""

    def _say(self, kind: str, text: str, *, on_next_page: bool = False) -> None:
        """Show ``text`` as done ("info") or refused ("error"), here or after a redirect."""
        self.flash_kind, self.flash_text = kind, text
        self._flash_is_new = on_next_page


def _nav_link(label: Any, href: str) -> rx.Component:
    is_here = rx.State.router.page.path == href
    return rx.el.a(
        label, href=href, custom_attrs={"aria-current": rx.cond(is_here, "page", "false")}
    )


def _review_link() -> rx.Component:
    """Return the way to the gifts that wait for the visitor, and how many these are."""
    waiting = rx.el.span(
        rx.el.span(count(Shell.waiting), class_name="figures"),
        rx.el.span(t(" waiting"), class_name="sr-only"),
        class_name="nav-count",
    )
    label = rx.fragment(t("Review"), rx.cond(Shell.waiting > 0, waiting))
    return rx.el.span(_nav_link(label, routes.REVIEW), class_name="nav-review")


def _masthead() -> rx.Component:
    return rx.el.header(
        rx.el.div(
            rx.el.a(
                mark(),
                rx.el.span("Financial Live"),
                href=routes.HOME,
                class_name="wordmark",
                custom_attrs={"aria-label": t("Financial Live, home")},
            ),
            rx.el.nav(
                _nav_link(t("Campaigns"), routes.CAMPAIGNS),
                _nav_link(t("Gifts"), routes.DONATIONS),
                rx.cond(Shell.may_review, _review_link()),
                rx.cond(
                    Shell.is_known,
                    _nav_link(t("Account"), routes.ACCOUNT),
                    _nav_link(t("Log in"), routes.LOGIN),
                ),
                rx.el.button(
                    sun(class_name="only-dark"),
                    moon(class_name="only-light"),
                    type="button",
                    class_name="icon-button",
                    on_click=toggle_color_mode,
                    custom_attrs={"aria-label": t("Switch between light and dark")},
                ),
                class_name="nav",
                custom_attrs={"aria-label": t("Main")},
            ),
            class_name="wrap",
        ),
        class_name="masthead",
    )


def _flash() -> rx.Component:
    return rx.el.div(
        rx.cond(
            Shell.flash_text != "",
            rx.el.div(
                rx.el.p(Shell.flash_text),
                rx.el.button(
                    cross(),
                    type="button",
                    class_name="icon-button",
                    on_click=Shell.dismiss,
                    custom_attrs={"aria-label": t("Close this message")},
                ),
                class_name="flash",
                custom_attrs={"data-kind": Shell.flash_kind},
            ),
        ),
        role="status",
        class_name="flash-place",
    )


def _footer() -> rx.Component:
    return rx.el.footer(
        rx.el.div(
            rx.el.span(t("Every number on this page is live.")),
            rx.el.span(t("Amounts are written as each currency is written at home.")),
            class_name="wrap",
        ),
        class_name="footer",
    )


def shell(*content: rx.Component, stale: Any = 0, class_name: str = "") -> rx.Component:
    """Return a whole page around ``content``, right as of the minute ``stale`` unless that is 0."""
    return rx.el.div(
        jump(t("Skip to the content"), target="content", class_name="skip"),
        stale_line(
            stale=stale, reconnecting=t("Reconnecting"), since=t("as of"), class_name="stale-line"
        ),
        _masthead(),
        rx.el.main(
            rx.el.div(_flash(), *content, class_name="wrap"),
            id="content",
            tab_index=-1,
            class_name="main",
        ),
        _footer(),
        class_name=f"page {class_name}".strip(),
    )


def add_page(
    app: rx.App,
    page: Callable[[], rx.Component],
    *,
    route: str,
    title: str,
    description: str,
    on_load: list[Any] | None = None,
) -> None:
    """Register a page. One that follows no room leaves the rooms of the page before it."""
    app.add_page(
        page,
        route=route,
        title=title,
        description=description,
        image="/icon.svg",
        on_load=[Shell.arrive, *(on_load or [Shell.leave_rooms])],
    )
