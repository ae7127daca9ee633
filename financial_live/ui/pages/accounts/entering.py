"""What every form does by which somebody gets in."""

from collections.abc import Awaitable, Mapping
from urllib.parse import unquote

import reflex as rx

from financial_live import routes
from financial_live.contexts import accounts
from financial_live.errors import AppError
from financial_live.ui import forms
from financial_live.ui.components.entrance import FAILED
from financial_live.ui.components.values import handover
from financial_live.ui.identity import address_of, scope_of
from financial_live.ui.layout import Shell
from financial_live.ui.text import t

LABELS = {
    "name": t("Name"),
    "email": t("E-mail"),
    "password": t("Password"),
    "current": t("Current password"),
}


class Entering(rx.State, mixin=True):
    """A form that ends with a ticket for a session, which the browser turns into its cookie."""

    errors: dict[str, str] = {}
    ticket: str = ""
    to: str = routes.ACCOUNT

    async def _enter(self, email: str, password: str) -> None:
        """Get a ticket for whoever has this password. Raises what ``accounts.handover`` raises."""
        scope = await scope_of(self)
        self.ticket = await accounts.handover(scope, email, password, address=address_of(self))

    async def _attempt(self, work: Awaitable[None]) -> str | None:
        """Do ``work``; return the first field that is wrong, if that is why it failed."""
        self.errors, self.ticket = {}, ""
        try:
            await work
        except AppError as error:
            self.errors = forms.sentences(error, LABELS)
        return next((name for name in LABELS if name in self.errors), None)


def wanted_page(query: Mapping[str, str]) -> str:
    """Return where to go after logging in: a page of this site, whatever the address says."""
    wanted = unquote(query.get("to", ""))
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_ours and wanted.isprintable() else routes.ACCOUNT


def handing_over(state: type[Entering]) -> rx.Component:
    """Return what turns the form's ticket into a session."""
    return handover(
        ticket=state.ticket,
        to=state.to,
        invitation=routes.INVITATION,
        csrf=Shell.csrf,
        failed=FAILED,
    )
