"""One's own account: the gifts given, where one is logged in, and the password."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.contexts import accounts, donations
from financial_live.contexts.accounts import UserSession
from financial_live.contexts.donations import Donation
from financial_live.contexts.wire import amount_text, time_text
from financial_live.errors import AppError, Unauthorized
from financial_live.rooms.views import microseconds
from financial_live.ui import forms
from financial_live.ui.components.campaigns import ghost
from financial_live.ui.components.entrance import form_error, password_field
from financial_live.ui.components.gifts import badge
from financial_live.ui.components.values import amount, log_out, when
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.pages.accounts.entering import LABELS
from financial_live.ui.text import t

_UNKNOWN_BROWSER = t("An unknown browser")


class AccountPage(rx.State):
    """What somebody sees of their own account."""

    loaded: bool = False
    email: str = ""
    gifts: list[dict[str, Any]] = []
    sessions: list[dict[str, Any]] = []
    errors: dict[str, str] = {}
    changed: bool = False
    problem: str = ""

    @rx.event
    async def load(self) -> Any:
        """Show the account, or the way in."""
        self.errors, self.changed, self.problem = {}, False, ""
        try:
            return await self._show()
        except AppError as error:
            self.problem = error.message
        return None

    async def _show(self) -> Any:
        scope = await scope_of(self)
        if scope.user_id is None:
            self.reset()
            return rx.redirect(routes.login(to=routes.ACCOUNT), replace=True)
        user = await accounts.find_user(scope, scope.user_id)
        self.email = user.email
        self.gifts = [_gift(gift) for gift in await donations.list_own(scope)]
        self.sessions = [
            _session(one, is_here=one.id == scope.session_id)
            for one in await accounts.list_sessions(scope)
        ]
        self.loaded = True
        return None

    @rx.event
    async def show_or_hide(self, gift_id: str, what: str, shown: bool) -> Any:
        """Show or hide the name or the amount of one of the own gifts, everywhere."""
        try:
            attrs = {f"show_{what}": shown}
            await donations.change_visibility(await scope_of(self), str(gift_id), attrs)
        except AppError as error:
            self.problem = error.message
            return None
        return await self._show()

    @rx.event
    async def end_session(self, session_id: str) -> Any:
        """Log out somewhere else."""
        try:
            await accounts.revoke_session(await scope_of(self), str(session_id))
        except AppError as error:
            self.problem = error.message
            return None
        return await self._show()

    @rx.event
    async def end_others(self) -> Any:
        """Log out everywhere else."""
        try:
            await accounts.revoke_others(await scope_of(self))
        except AppError as error:
            self.problem = error.message
            return None
        return await self._show()

    @rx.event
    async def change_password(self, form: dict[str, Any]) -> Any:
        """Set another password, or say what is wrong."""
        typed = forms.texts(form)
        self.errors, self.changed = {}, False
        try:
            await accounts.change_password(
                await scope_of(self), typed.get("current", ""), typed.get("password", "")
            )
        except Unauthorized:
            return rx.redirect(routes.LOGIN)
        except AppError as error:
            self.errors = forms.sentences(error, LABELS)
            wrong = next((name for name in LABELS if name in self.errors), None)
            return rx.set_focus(wrong) if wrong else None
        self.changed = True
        return await self._show()


def _gift(gift: Donation) -> dict[str, Any]:
    return {
        "id": str(gift.id),
        "campaign": gift.campaign.name,
        "href": routes.campaign(gift.campaign.slug),
        "amount": amount_text(gift.amount),
        "currency": gift.currency,
        "status": str(gift.status),
        "show_name": gift.show_name,
        "show_amount": gift.show_amount,
        "at": microseconds(time_text(gift.inserted_at)),
    }


def _session(one: UserSession, *, is_here: bool) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "agent": _browser(one.agent),
        "address": one.address,
        "at": microseconds(time_text(one.last_seen_at)),
        "is_here": is_here,
    }


# What a browser calls itself, and what people call it: the first that fits.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def _browser(agent: str) -> str:
    """Return a browser as people call it: "Firefox, Android"."""
    named = [
        next((name for sign, name in known if sign in agent), "") for known in (_BROWSERS, _SYSTEMS)
    ]
    return ", ".join(filter(None, named)) or _UNKNOWN_BROWSER


def _switch(gift: rx.Var[dict[str, Any]], what: str, label: str) -> rx.Component:
    return rx.el.label(
        rx.el.input(
            type="checkbox",
            checked=gift[f"show_{what}"].to(bool),
            on_change=lambda shown: AccountPage.show_or_hide(gift["id"].to(str), what, shown),
        ),
        rx.el.span(label),
        class_name="check",
    )


def _gift_row(gift: rx.Var[dict[str, Any]]) -> rx.Component:
    return rx.el.li(
        rx.el.h3(
            rx.el.a(gift["campaign"], href=gift["href"].to(str), class_name="name"),
            class_name="name",
        ),
        rx.el.span(amount(gift["amount"], gift["currency"]), class_name="amount"),
        rx.el.div(when(at=gift["at"]), " · ", badge(gift["status"].to(str)), class_name="meta"),
        rx.el.div(
            _switch(gift, "name", t("Show my name")),
            _switch(gift, "amount", t("Show the amount")),
            class_name="switches",
        ),
        key=gift["id"].to(str),
        class_name="gift",
    )


def _gifts() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Your gifts"), class_name="heading mb-3"),
        rx.cond(
            AccountPage.gifts.length() > 0,
            rx.el.ul(rx.foreach(AccountPage.gifts, _gift_row), class_name="gifts", id="own-gifts"),
            rx.el.p(
                t("Gifts given with the address "),
                rx.el.b(AccountPage.email),
                t(" appear here."),
                class_name="quiet",
            ),
        ),
        class_name="mb-12",
    )


def _session_row(one: rx.Var[dict[str, Any]]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(one["agent"], class_name="font-medium"),
            rx.el.div(one["address"], " · ", when(at=one["at"]), class_name="quiet small"),
        ),
        rx.cond(
            one["is_here"],
            rx.el.span(t("This browser"), class_name="quiet small"),
            rx.el.button(
                t("Log out"),
                type="button",
                class_name="button small",
                on_click=AccountPage.end_session(one["id"].to(str)),
            ),
        ),
        key=one["id"].to(str),
        class_name="line",
    )


def _sessions() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Where you are logged in"), class_name="heading mb-3"),
        rx.el.ul(rx.foreach(AccountPage.sessions, _session_row), class_name="lines", id="sessions"),
        rx.el.div(
            rx.cond(
                AccountPage.sessions.length() > 1,
                rx.el.button(
                    t("Log out everywhere else"),
                    type="button",
                    class_name="button",
                    on_click=AccountPage.end_others,
                ),
            ),
            log_out(
                t("Log out"), csrf=Shell.csrf, to=routes.HOME, class_name="button", id="logout"
            ),
            class_name="mt-4 flex flex-wrap gap-3",
        ),
        class_name="mb-12",
    )


def _password() -> rx.Component:
    def error(name: str) -> rx.Var[str]:
        return AccountPage.errors.get(name, "").to(str)

    return rx.el.section(
        rx.el.h2(t("Password"), class_name="heading mb-3"),
        rx.el.form(
            password_field(error("current"), id="current", label=t("Current password")),
            password_field(error("password"), is_new=True),
            form_error(error("form")),
            rx.el.button(t("Change the password"), type="submit", class_name="button"),
            rx.cond(
                AccountPage.changed,
                rx.el.p(
                    t("Changed. Everywhere else you are logged out."),
                    class_name="quiet mt-3",
                    role="status",
                ),
            ),
            on_submit=AccountPage.change_password,
            reset_on_submit=False,
            id="password-form",
            no_validate=True,
        ),
        class_name="max-w-md",
    )


def account() -> rx.Component:
    """Return the page of one's own account."""
    return shell(
        rx.el.div(
            rx.el.h1(Shell.user_name, class_name="title name"),
            rx.el.p(AccountPage.email, class_name="lead mt-2 mb-10"),
            rx.cond(
                AccountPage.problem != "",
                rx.el.p(AccountPage.problem, class_name="error mb-6", role="alert"),
            ),
            rx.cond(
                AccountPage.loaded,
                rx.fragment(_gifts(), _sessions(), _password()),
                rx.el.div(*[ghost("3rem") for _ in range(6)], class_name="grid gap-4"),
            ),
            class_name="max-w-2xl",
        )
    )


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        account,
        route=routes.ACCOUNT,
        title=t("Your account · Financial Live"),
        description=t("Your gifts, your sessions and your password."),
        on_load=[Shell.leave_rooms, AccountPage.load],
    )
