"""One's own account: the gifts given, where one is logged in, and the password."""

from collections.abc import Awaitable, Callable
from typing import Any

import reflex as rx

from financial_live import rooms, routes
from financial_live.config import get_settings
from financial_live.contexts import accounts, donations, receipts
from financial_live.errors import AppError, Unauthorized, Unavailable
from financial_live.scope import Scope
from financial_live.ui import forms, live
from financial_live.ui.components.campaigns import ghost
from financial_live.ui.components.entrance import form_error, password_field
from financial_live.ui.components.values import follow
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.live import PageLive
from financial_live.ui.pages.accounts.entering import LABELS
from financial_live.ui.pages.accounts.own_gifts import gift_line, own_gifts
from financial_live.ui.pages.accounts.own_mails import mail_lines, own_mails
from financial_live.ui.pages.accounts.own_sessions import own_sessions, session_line
from financial_live.ui.text import t


class AccountPage(live.LoadsAgain, rx.State):
    """What somebody sees of their own account, and the stamp from which on that is right."""

    loaded: bool = False
    read: str = ""
    email: str = ""
    gifts: list[dict[str, Any]] = []
    sessions: list[dict[str, Any]] = []
    mails: list[dict[str, Any]] = []
    errors: dict[str, str] = {}
    changed: bool = False
    problem: str = ""

    @rx.event
    async def load(self) -> Any:
        """Show the account, or the way in.

        Who cannot be looked up may be somebody else by now: nothing is shown until they can.
        """
        self.errors, self.changed, self.problem = {}, False, ""
        try:
            return await self._show(await scope_of(self))
        except Unavailable:
            self.reset()
            live.say_stale(self, "account")
            return AccountPage.load_again
        except AppError as error:
            self.problem = error.message
        return None

    @rx.event
    async def move(self) -> Any:
        """Show what is different now; what is typed, and was said of it, stays."""
        return await self._move()

    async def _move(self) -> Any:
        try:
            return await self._show(await scope_of(self))
        except Unavailable:
            return AccountPage.load_again

    async def _show(self, scope: Scope) -> Any:
        if scope.user_id is None:
            self.reset()
            return rx.redirect(routes.login(to=routes.ACCOUNT), replace=True)
        self.read = await live.follow(self, rooms.account_room(scope.user_id))
        user = await accounts.find_user(scope, scope.user_id)
        self.email = user.email
        self.gifts = [gift_line(gift) for gift in await donations.list_own(scope)]
        self.sessions = [
            session_line(one, is_here=one.id == scope.session_id)
            for one in await accounts.list_sessions(scope)
        ]
        self.mails = await mail_lines(scope, get_settings())
        self.loaded = True
        return None

    async def _do(self, work: Callable[[Scope], Awaitable[object]]) -> Any:
        """Do ``work`` and show what is different then, or say why it was refused."""
        self.problem = ""
        try:
            scope = await scope_of(self)
            await work(scope)
            return await self._show(scope)
        except AppError as error:
            self.problem = error.message
        return None

    @rx.event
    async def show_or_hide(self, gift_id: str, what: str, shown: bool) -> Any:
        """Show or hide the name or the amount of one of the own gifts, everywhere."""
        attrs = {f"show_{what}": shown}
        return await self._do(lambda scope: donations.change_visibility(scope, str(gift_id), attrs))

    @rx.event
    async def receipt(self, gift_id: str) -> Any:
        """Go to the receipt of a gift, which is issued now if it has none."""
        self.problem = ""
        try:
            issued = await receipts.issue_receipt(await scope_of(self), str(gift_id))
        except AppError as error:
            self.problem = error.message
            return None
        return rx.redirect(routes.receipt(str(issued.id)))

    @rx.event
    async def end_session(self, session_id: str) -> Any:
        """Log out somewhere else."""
        return await self._do(lambda scope: accounts.revoke_session(scope, str(session_id)))

    @rx.event
    async def end_others(self) -> Any:
        """Log out everywhere else."""
        return await self._do(accounts.revoke_others)

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
        return await self._move()


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


def _programs() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Programs"), class_name="heading mb-3"),
        rx.el.p(
            t("A program acts in your name by a token of its own. "),
            rx.el.a(t("Your API tokens"), href=routes.TOKENS, class_name="link"),
            class_name="quiet",
        ),
        class_name="mt-12",
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
                rx.fragment(
                    own_gifts(
                        AccountPage.gifts,
                        email=AccountPage.email,
                        show_or_hide=AccountPage.show_or_hide,
                        receipt=AccountPage.receipt,
                    ),
                    own_mails(AccountPage.mails),
                    own_sessions(
                        AccountPage.sessions,
                        end=AccountPage.end_session,
                        end_others=AccountPage.end_others,
                    ),
                    _password(),
                    _programs(),
                ),
                rx.el.div(*[ghost("3rem") for _ in range(6)], class_name="grid gap-4"),
            ),
            follow(stamp=PageLive.stamp, read=AccountPage.read, on_move=AccountPage.move),
            class_name="max-w-2xl",
        ),
        stale=PageLive.stale,
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
