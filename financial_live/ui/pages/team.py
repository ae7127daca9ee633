"""A campaign's team: who is in it, at which place, who is invited, and how to leave."""

from collections.abc import Awaitable
from typing import Any
from uuid import UUID

import reflex as rx

from financial_live import rooms, routes
from financial_live.contexts import campaigns
from financial_live.contexts.campaigns import CampaignRole, Invitation, Member
from financial_live.contexts.wire import time_text
from financial_live.errors import AppError, Forbidden, NotFound, Unauthorized, Unavailable
from financial_live.rights import Act
from financial_live.rooms.views import microseconds
from financial_live.scope import Scope
from financial_live.ui import forms, live
from financial_live.ui.components.campaigns import ghost
from financial_live.ui.components.entrance import form_error
from financial_live.ui.components.fields import field, field_error
from financial_live.ui.components.values import follow, landing, when
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.live import PageLive
from financial_live.ui.pages.not_found import nothing_here
from financial_live.ui.text import t

_LABELS = {"email": t("E-mail"), "role": t("Place")}
_ID_LENGTH = 36
_PLACES = (
    (CampaignRole.VIEWER.value, t("Viewer"), t("sees all gifts")),
    (CampaignRole.REVIEWER.value, t("Reviewer"), t("approves gifts and sees donors' addresses")),
    (CampaignRole.OWNER.value, t("Owner"), t("changes the campaign and its team")),
)


class TeamPage(live.LoadsAgain, rx.State):
    """What the visitor may see of the team that the address names, and what they just did to it."""

    missing: bool = False
    loaded: bool = False
    read: str = ""
    subject: str = ""
    name: str = ""
    campaign_address: str = ""
    may_change: bool = False
    members: list[dict[str, Any]] = []
    invitations: list[dict[str, Any]] = []
    confirming: str = ""
    refused: str = ""
    problem: str = ""
    errors: dict[str, str] = {}
    sent: int = 0

    @rx.event
    async def load(self) -> Any:
        """Show the team to those of it; others learn nothing, or where to log in."""
        self.confirming = self.refused = self.problem = ""
        return await self._load(is_arriving=True)

    @rx.event
    async def move(self) -> Any:
        """Show what is different now; what is being done stays."""
        return await self._load()

    async def _load(self, *, is_arriving: bool = False) -> Any:
        named = str(self.slug)  # The route's part; Reflex adds it.
        if self.subject != named:
            self.reset()
        try:
            await self._show(await scope_of(self), named)
        except Unauthorized:
            self.reset()
            return rx.redirect(routes.login(to=routes.team(named)), replace=True)
        except (Forbidden, NotFound):
            self.reset()
            self.missing = True
        except Unavailable:
            if is_arriving:  # Somebody else may sit here by now.
                self.reset()
            return TeamPage.load_again

    async def _show(self, scope: Scope, named: str) -> None:
        campaign = await campaigns.get_campaign(scope, named)
        await campaigns.require(scope, Act.LIST_MEMBERS, campaign.id)
        self.read = await live.follow(self, rooms.team_room(campaign.id))
        members = await campaigns.list_members(scope, campaign.id)
        self.may_change = await campaigns.may(scope, Act.CHANGE_MEMBER_ROLE, campaign.id)
        invited = await campaigns.list_invitations(scope, campaign.id) if self.may_change else []
        self.members = [_member(one, me=scope.user_id) for one in members]
        self.invitations = [_invitation(one) for one in invited]
        self.name, self.campaign_address = campaign.name, routes.campaign(campaign.slug)
        self.subject, self.missing, self.loaded = named, False, True

    @rx.event
    def ask(self, what: str) -> None:
        """Ask whether somebody is really to go; an empty text takes the question back."""
        self.confirming, self.refused = str(what)[:_ID_LENGTH], ""

    @rx.event
    async def change_role(self, user_id: str, role: str) -> Any:
        """Give a member another place, or say beside them why not."""
        scope = await scope_of(self)
        work = campaigns.change_member_role(scope, self.subject, str(user_id), str(role))
        return await self._do(work, beside=user_id)

    @rx.event
    async def remove(self, user_id: str) -> Any:
        """Take somebody out of the team, or say beside them why not."""
        work = campaigns.remove_member(await scope_of(self), self.subject, str(user_id))
        return await self._do(work, beside=user_id)

    @rx.event
    async def cancel(self, invitation_id: str) -> Any:
        """Take an invitation back, or say beside it why not."""
        scope = await scope_of(self)
        work = campaigns.cancel_invitation(scope, self.subject, str(invitation_id))
        return await self._do(work, beside=invitation_id)

    async def _do(self, work: Awaitable[None], *, beside: str) -> Any:
        """Do ``work`` and show the team as it is then, with why it was refused if it was."""
        problem = ""
        try:
            await work
        except AppError as error:
            problem = error.message
        self.confirming = ""
        shown = await self._load()
        self.refused, self.problem = str(beside)[:_ID_LENGTH], problem
        return shown

    @rx.event
    async def leave(self, user_id: str) -> Any:
        """Leave the team and go to its campaign, or say beside the visitor why not."""
        try:
            await campaigns.leave(await scope_of(self), self.subject)
        except AppError as error:
            self.confirming, self.refused = "", str(user_id)[:_ID_LENGTH]
            self.problem = error.message
            return None
        # Nothing is read any more: a change of rights closes this page's line in a moment.
        return rx.redirect(self.campaign_address)

    @rx.event
    async def invite(self, form: dict[str, Any]) -> Any:
        """Invite an address, or say what is wrong with every field."""
        typed = forms.texts(form)
        self.errors = {}
        email, role = typed.get("email", ""), typed.get("role", "")
        try:
            invited = await campaigns.invite(await scope_of(self), self.subject, email, role)
        except AppError as error:
            self.errors = forms.sentences(error, _LABELS)
            return rx.set_focus("email") if "email" in self.errors else None
        self.sent += 1
        shell_state = await self.get_state(Shell)
        shell_state._say("info", t("{email} is invited.").format(email=invited.email))
        return await self._load()


def _member(one: Member, *, me: UUID | None) -> dict[str, Any]:
    return {
        "id": str(one.user_id),
        "name": one.name,
        "email": one.email or "",
        "role": one.role.value,
        "at": microseconds(time_text(one.inserted_at)),
        "is_me": one.user_id == me,
    }


def _invitation(one: Invitation) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "email": one.email,
        "role": one.role.value,
        "at": microseconds(time_text(one.inserted_at)),
    }


def _place(role: rx.Var[str]) -> rx.Var[str]:
    return rx.match(role, *[(value, name) for value, name, _ in _PLACES], role)


def _refusal(row: rx.Var[dict[str, Any]]) -> rx.Component:
    return rx.cond(
        (TeamPage.problem != "") & (TeamPage.refused == row["id"]),
        rx.el.p(TeamPage.problem, class_name="error", role="alert"),
    )


def _who(row: rx.Var[dict[str, Any]], title: Any, *about: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(title, class_name="font-medium name"),
        rx.el.div(*about, class_name="quiet small"),
        _refusal(row),
        class_name="who",
    )


def _choice(member: rx.Var[dict[str, Any]]) -> rx.Component:
    """Return the member's place, to be changed where it stands."""
    return rx.el.select(
        *[rx.el.option(name, value=value) for value, name, _ in _PLACES],
        value=member["role"].to(str),
        on_change=lambda role: TeamPage.change_role(member["id"].to(str), role),
        class_name="select",
        custom_attrs={"aria-label": f"{t('Place of')} {member['name']}"},
    )


def _final(text: str, act: Any) -> rx.Component:
    return rx.el.button(text, type="button", class_name="button danger", on_click=act)


def _going(member: rx.Var[dict[str, Any]]) -> rx.Component:
    """Return the button that takes a member out, and asks once more."""
    member_id = member["id"].to(str)
    leaves = member["is_me"].to(bool)
    label = rx.cond(leaves, t("Leave"), t("Remove"))
    return rx.cond(
        TeamPage.confirming == member_id,
        landing(
            rx.cond(
                leaves,
                _final(t("Leave the team"), TeamPage.leave(member_id)),
                _final(t("Remove for good"), TeamPage.remove(member_id)),
            ),
            rx.el.button(
                t("Keep"), type="button", class_name="button plain", on_click=TeamPage.ask("")
            ),
            class_name="actions",
            custom_attrs={"role": "group", "aria-label": f"{label} {member['name']}?"},
        ),
        rx.el.button(
            label,
            type="button",
            class_name="button plain",
            on_click=TeamPage.ask(member_id),
            custom_attrs={"aria-label": f"{label} {member['name']}"},
        ),
    )


def _member_row(member: rx.Var[dict[str, Any]]) -> rx.Component:
    title = rx.fragment(member["name"], rx.cond(member["is_me"], t(" (you)"), ""))
    email = rx.cond(member["email"], rx.fragment(member["email"], " · "))
    return rx.el.li(
        _who(member, title, email, t("joined "), when(at=member["at"])),
        rx.el.div(
            rx.cond(TeamPage.may_change, _choice(member), _place(member["role"].to(str))),
            rx.cond(TeamPage.may_change | member["is_me"].to(bool), _going(member)),
            class_name="actions",
        ),
        key=member["id"].to(str),
        class_name="line",
    )


def _invitation_row(one: rx.Var[dict[str, Any]]) -> rx.Component:
    return rx.el.li(
        _who(one, one["email"], _place(one["role"].to(str)), t(", invited "), when(at=one["at"])),
        rx.el.button(
            t("Take back"),
            type="button",
            class_name="button plain",
            on_click=TeamPage.cancel(one["id"].to(str)),
            custom_attrs={"aria-label": f"{t('Take back the invitation of')} {one['email']}"},
        ),
        key=one["id"].to(str),
        class_name="line",
    )


def _error(name: str) -> rx.Var[str]:
    return TeamPage.errors.get(name, "").to(str)


def _places() -> rx.Component:
    def choice(value: str, name: str, meaning: str, *, is_first: bool) -> rx.Component:
        return rx.el.label(
            rx.el.input(
                type="radio",
                name="role",
                value=value,
                id=f"role-{value}",
                default_checked=is_first,
            ),
            rx.el.span(name, rx.el.span(meaning, class_name="hint block font-normal")),
            class_name="check",
        )

    return rx.el.div(
        rx.el.fieldset(
            rx.el.legend(t("Place")),
            *[choice(*place, is_first=index == 0) for index, place in enumerate(_PLACES)],
        ),
        field_error("role", _error("role")),
        class_name="field",
    )


def _invite() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Invite somebody"), class_name="heading mb-4"),
        rx.el.form(
            field(
                "email",
                label=t("E-mail"),
                error=_error("email"),
                type="email",
                auto_complete="off",
                spell_check=False,
            ),
            _places(),
            form_error(_error("form")),
            rx.el.button(t("Send the invitation"), type="submit", class_name="button primary"),
            on_submit=TeamPage.invite,
            reset_on_submit=False,
            # Sent, it is a new form, which is empty.
            key=TeamPage.sent.to_string(),
            class_name="sheet",
            id="invite-form",
            no_validate=True,
        ),
        class_name="max-w-md",
    )


def _invitations() -> rx.Component:
    return rx.cond(
        TeamPage.invitations.length() > 0,
        rx.el.section(
            rx.el.h2(t("Invited"), class_name="heading mb-3"),
            rx.el.ul(
                rx.foreach(TeamPage.invitations, _invitation_row),
                class_name="lines",
                id="invitations",
            ),
            class_name="mb-12",
        ),
    )


def _team() -> rx.Component:
    return rx.fragment(
        rx.el.section(
            rx.el.h2(t("Members"), class_name="sr-only"),
            rx.cond(
                TeamPage.members.length() > 0,
                rx.el.ul(
                    rx.foreach(TeamPage.members, _member_row), class_name="lines", id="members"
                ),
                rx.el.p(t("Nobody is in this team yet. Invite its owner."), class_name="quiet"),
            ),
            class_name="mb-12",
        ),
        rx.cond(TeamPage.may_change, rx.fragment(_invitations(), _invite())),
    )


def _loading() -> rx.Component:
    return rx.el.div(
        *[ghost("3.5rem") for _ in range(4)], class_name="loading grid content-start gap-4"
    )


def team() -> rx.Component:
    """Return the page of a campaign's team."""
    is_here = TeamPage.loaded & (TeamPage.subject == rx.State.slug)
    page = rx.el.div(
        rx.el.h1(t("Team"), class_name="title"),
        rx.el.p(
            rx.cond(
                is_here,
                rx.el.a(TeamPage.name, href=TeamPage.campaign_address, class_name="link name"),
            ),
            class_name="lead mt-2 mb-8",
        ),
        rx.cond(is_here, _team(), _loading()),
        follow(stamp=PageLive.stamp, read=TeamPage.read, on_move=TeamPage.move),
        class_name="max-w-2xl",
    )
    gone = nothing_here(t("There is nothing at this address, or not for you."))
    return shell(rx.cond(TeamPage.missing, gone, page), stale=PageLive.stale)


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        team,
        route=routes.TEAM,
        title=t("Team · Financial Live"),
        description=t("Who runs this campaign."),
        on_load=[Shell.leave_rooms, TeamPage.load],
    )
