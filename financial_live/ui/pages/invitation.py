"""An invitation into a campaign's team: accepted by whoever reads the invited address."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.contexts import campaigns
from financial_live.errors import AppError
from financial_live.ui import forms
from financial_live.ui.components.entrance import form_error, sheet, submit
from financial_live.ui.components.values import from_link, keep_invitation, log_out
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.text import t


class InvitationPage(rx.State):
    """Why the invitation cannot be accepted, if it cannot."""

    problem: str = ""

    @rx.event
    def load(self) -> None:
        """Start with nothing wrong."""
        self.reset()

    @rx.event
    async def accept(self, form: dict[str, Any]) -> Any:
        """Join the team and go to its campaign, or say why not."""
        token = forms.texts(form).get("token", "")
        self.problem = ""
        try:
            member = await campaigns.accept_invitation(await scope_of(self), token)
        except AppError as error:
            self.problem = error.message
            return None
        # Nothing is read any more: a change of rights closes this page's line in a moment.
        return rx.redirect(routes.campaign(str(member.campaign_id)))


def _known() -> rx.Component:
    return rx.el.form(
        from_link(name="token"),
        rx.el.p(t("You are logged in as "), rx.el.b(Shell.user_name), ".", class_name="mb-5"),
        form_error(InvitationPage.problem),
        submit(t("Join the team")),
        rx.el.p(
            t("Invited at another address? "),
            log_out(t("Log out"), csrf=Shell.csrf, class_name="link", id="logout"),
            class_name="quiet mt-5",
        ),
        on_submit=InvitationPage.accept,
        class_name="sheet",
        id="invitation-form",
    )


def _unknown() -> rx.Component:
    return rx.el.div(
        keep_invitation(),
        rx.el.a(
            t("Log in to join"),
            href=routes.login(to=routes.INVITATION),
            class_name="button primary wide",
        ),
        rx.el.p(
            t("No account yet? "),
            rx.el.a(t("Get one"), href=routes.REGISTER, class_name="link"),
            t(" with the address that the invitation was sent to. You come back here afterwards."),
            class_name="quiet mt-5",
        ),
        class_name="sheet",
    )


def invitation() -> rx.Component:
    """Return the page that an invitation's link opens."""
    return shell(
        sheet(
            t("You are invited"),
            t("Somebody who runs a campaign wants you in its team."),
            rx.cond(rx.State.is_hydrated, rx.cond(Shell.is_known, _known(), _unknown())),
        )
    )


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        invitation,
        route=routes.INVITATION,
        title=t("You are invited · Financial Live"),
        description=t("Join the team of a campaign."),
        on_load=[Shell.leave_rooms, InvitationPage.load],
    )
