"""What a campaign's owners set beside it: who adds to gifts, and the totals worth telling of."""

from collections.abc import Awaitable
from typing import Any

import reflex as rx

from financial_live import rooms, routes
from financial_live.contexts import campaigns, donations, matches
from financial_live.errors import AppError, Forbidden, NotFound, Unauthorized, Unavailable
from financial_live.rights import Act
from financial_live.scope import Scope
from financial_live.ui import forms, live
from financial_live.ui.components.campaigns import ghost
from financial_live.ui.components.entrance import form_error
from financial_live.ui.components.fields import field, segments
from financial_live.ui.components.values import amount, landing, local_time, moment, renewed
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.live import CampaignLive
from financial_live.ui.pages.not_found import nothing_here
from financial_live.ui.text import t

_LABELS = {
    "sponsor_name": t("Sponsor"),
    "ratio": t("Adds"),
    "cap": t("At most"),
    "starts_at": t("From"),
    "ends_at": t("Until"),
}
_MILESTONE_LABELS = {"label": t("Name"), "amount": t("Total")}
_RATIOS = (("1", t("the same")), ("0.5", t("half of it")), ("2", t("twice it")))
_ID_LENGTH = 36


class MatchPage(live.LoadsAgain, rx.State):
    """What the owners of the campaign that the address names have just set, and why not."""

    missing: bool = False
    subject: str = ""
    campaign_address: str = ""
    confirming: str = ""
    refused: str = ""
    problem: str = ""
    errors: dict[str, str] = {}
    milestone_errors: dict[str, str] = {}
    matches_made: int = 0
    milestones_made: int = 0
    _currency: str = ""

    @rx.event
    async def load(self) -> Any:
        """Follow the campaign with its owners; others learn nothing, or where to log in."""
        named = str(self.slug)  # The route's part; Reflex adds it.
        self.reset()
        try:
            await self._show(await scope_of(self), named)
        except Unauthorized:
            return rx.redirect(routes.login(to=routes.match(named)), replace=True)
        except (Forbidden, NotFound):
            self.missing = True
        except Unavailable:
            return MatchPage.load_again

    async def _show(self, scope: Scope, named: str) -> None:
        campaign = await campaigns.get_campaign(scope, named)
        await campaigns.require(scope, Act.CREATE_CHALLENGE, campaign.id)
        audience = await donations.audience(scope, campaign.id)
        await live.watch(self, rooms.campaign_room(campaign.id, audience))
        self._currency, self.subject = campaign.currency, named
        self.campaign_address = routes.campaign(campaign.slug)

    @rx.event
    async def create_challenge(self, form: dict[str, Any]) -> Any:
        """Let a sponsor add to gifts, or say what is wrong with every field."""
        typed = forms.texts(form)
        self.errors = await self._create(
            matches.create_challenge, typed, labels=_LABELS, amount_field="cap"
        )
        self.matches_made += not self.errors
        return self._first_wrong(self.errors, _LABELS)

    @rx.event
    async def create_milestone(self, form: dict[str, Any]) -> Any:
        """Set a milestone, or say what is wrong with every field."""
        typed = forms.texts(form)
        self.milestone_errors = await self._create(
            campaigns.create_milestone, typed, labels=_MILESTONE_LABELS, amount_field="amount"
        )
        self.milestones_made += not self.milestone_errors
        return self._first_wrong(self.milestone_errors, _MILESTONE_LABELS)

    async def _create(
        self, create: Any, typed: dict[str, str], *, labels: dict[str, str], amount_field: str
    ) -> dict[str, str]:
        """Make what is typed, and return what is wrong with it by field; nothing if it is made."""
        plain, problem = forms.read_amount(typed.get(amount_field, ""), self._currency)
        attrs = {name: typed.get(name, "") for name in labels}
        attrs[amount_field] = plain or ("?" if problem else "")
        try:
            await create(await scope_of(self), self.subject, attrs)
        except AppError as error:
            errors = forms.sentences(error, labels)
            if problem and amount_field in errors:
                errors[amount_field] = f"{labels[amount_field]} {problem}."
            return errors
        return {}

    @staticmethod
    def _first_wrong(errors: dict[str, str], labels: dict[str, str]) -> Any:
        first = next((name for name in labels if name in errors), None)
        return rx.set_focus(first) if first and first != "ratio" else None

    @rx.event
    def ask(self, what: str) -> None:
        """Ask whether something is really to end; an empty text takes the question back."""
        self.confirming, self.refused = str(what)[:_ID_LENGTH], ""

    @rx.event
    async def cancel_challenge(self, challenge_id: str) -> None:
        """Let a challenge match no more gifts, or say beside it why not."""
        work = matches.cancel_challenge(await scope_of(self), self.subject, str(challenge_id))
        await self._end(work, beside=challenge_id)

    @rx.event
    async def delete_milestone(self, milestone_id: str) -> None:
        """Take a milestone back, or say beside it why not."""
        work = campaigns.delete_milestone(await scope_of(self), self.subject, str(milestone_id))
        await self._end(work, beside=milestone_id)

    async def _end(self, work: Awaitable[object], *, beside: str) -> None:
        self.confirming, self.refused, self.problem = "", str(beside)[:_ID_LENGTH], ""
        try:
            await work
        except AppError as error:
            self.problem = error.message


Row = rx.Var[dict[str, Any]]


def _error(name: str) -> rx.Var[str]:
    return MatchPage.errors.get(name, "").to(str)


def _milestone_error(name: str) -> rx.Var[str]:
    return MatchPage.milestone_errors.get(name, "").to(str)


def _ending(row: Row, *, name: rx.Var[str], text: str, final: str, act: Any) -> rx.Component:
    """Return the button that ends something, and asks once more."""
    row_id = row["id"].to(str)
    return rx.el.div(
        rx.cond(
            MatchPage.confirming == row_id,
            landing(
                rx.el.button(
                    final, type="button", class_name="button danger", on_click=act(row_id)
                ),
                rx.el.button(
                    t("Keep"), type="button", class_name="button plain", on_click=MatchPage.ask("")
                ),
                class_name="actions",
                custom_attrs={"role": "group", "aria-label": f"{text} {name}?"},
            ),
            rx.el.button(
                text,
                type="button",
                class_name="button plain",
                on_click=MatchPage.ask(row_id),
                custom_attrs={"aria-label": f"{text} {name}"},
            ),
        ),
        class_name="actions",
    )


def _line(row: Row, title: Any, about: rx.Component, ending: rx.Component) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(title, class_name="font-medium name"),
            rx.el.div(about, class_name="quiet small figures"),
            rx.cond(
                (MatchPage.problem != "") & (MatchPage.refused == row["id"]),
                rx.el.p(MatchPage.problem, class_name="error", role="alert"),
            ),
            class_name="who",
        ),
        ending,
        key=row["id"].to(str),
        class_name="line",
    )


def _challenge(one: Row) -> rx.Component:
    currency = CampaignLive.currency
    until = rx.cond(one["ends_at"], rx.fragment(t(", until "), moment(at=one["ends_at"].to(str))))
    adds = rx.match(one["ratio"], ("1.00", "1 : 1"), ("0.50", "1 : 0.5"), ("2.00", "1 : 2"), "")
    about = rx.fragment(
        adds,
        " · ",
        amount(one["remaining"], currency),
        t(" left of "),
        amount(one["cap"], currency),
        t(", from "),
        moment(at=one["starts_at"].to(str)),
        until,
    )
    ending = _ending(
        one,
        name=one["sponsor_name"].to(str),
        text=t("Cancel"),
        final=t("Match no more gifts"),
        act=MatchPage.cancel_challenge,
    )
    return _line(one, one["sponsor_name"], about, ending)


def _milestone(one: Row) -> rx.Component:
    state = rx.cond(
        one["reached_at"],
        rx.fragment(t(" · reached, "), moment(at=one["reached_at"].to(str))),
        rx.fragment(t(" · not reached yet")),
    )
    about = rx.fragment(amount(one["amount"], CampaignLive.currency), state)
    ending = _ending(
        one,
        name=one["label"].to(str),
        text=t("Delete"),
        final=t("Delete for good"),
        act=MatchPage.delete_milestone,
    )
    return _line(one, one["label"], about, ending)


def _rows(rows: Any, row: Any, *, id: str, empty: str) -> rx.Component:
    return rx.el.div(
        rx.cond(
            rows.length() > 0,
            rx.el.ul(rx.foreach(rows, row), class_name="lines", id=id),
            rx.el.p(empty, class_name="quiet"),
        ),
        class_name="mb-6",
    )


def _time_field(name: str, hint: str) -> rx.Component:
    label = _LABELS[name]
    return rx.el.div(
        rx.el.label(label, html_for=name),
        local_time(id=name, name=name, class_name="input"),
        rx.el.div(hint, class_name="hint"),
        rx.cond(_error(name) != "", rx.el.p(_error(name), class_name="error", role="alert")),
        class_name="field",
    )


def _challenges() -> rx.Component:
    form = rx.el.form(
        field(
            "sponsor_name",
            label=_LABELS["sponsor_name"],
            error=_error("sponsor_name"),
            hint=t("Everybody sees who adds to the gifts."),
            auto_complete="off",
        ),
        segments("ratio", legend=t("Adds to each gift"), choices=_RATIOS, error=_error("ratio")),
        field(
            "cap",
            label=_LABELS["cap"],
            error=_error("cap"),
            hint=t("All that is added, then it ends."),
            input_mode="decimal",
            auto_complete="off",
            class_name="amount",
        ),
        _time_field("ends_at", t("Left empty, it ends when all is added.")),
        form_error(_error("form")),
        rx.el.button(t("Start the match"), type="submit", class_name="button primary"),
        on_submit=MatchPage.create_challenge,
        reset_on_submit=False,
        class_name="sheet",
        id="match-form",
        no_validate=True,
    )
    return rx.el.section(
        rx.el.h2(t("Who adds to gifts"), class_name="heading mb-3"),
        _rows(CampaignLive.challenges, _challenge, id="challenges", empty=t("Nobody does yet.")),
        renewed(form, count=MatchPage.matches_made),
        class_name="mb-12",
    )


def _milestones() -> rx.Component:
    form = rx.el.form(
        field(
            "label",
            label=_MILESTONE_LABELS["label"],
            error=_milestone_error("label"),
            hint=t("What is there then: “The walls stand”."),
            auto_complete="off",
        ),
        field(
            "amount",
            label=_MILESTONE_LABELS["amount"],
            error=_milestone_error("amount"),
            hint=t("It is told once, when this is reached."),
            input_mode="decimal",
            auto_complete="off",
            class_name="amount",
        ),
        form_error(_milestone_error("form")),
        rx.el.button(t("Add the milestone"), type="submit", class_name="button primary"),
        on_submit=MatchPage.create_milestone,
        reset_on_submit=False,
        class_name="sheet",
        id="milestone-form",
        no_validate=True,
    )
    empty = t("None yet. A few of them make a long way shorter.")
    return rx.el.section(
        rx.el.h2(t("Milestones"), class_name="heading mb-3"),
        _rows(CampaignLive.milestones, _milestone, id="milestones", empty=empty),
        renewed(form, count=MatchPage.milestones_made),
    )


def match() -> rx.Component:
    """Return the page of a campaign's match challenges and milestones."""
    is_here = (MatchPage.subject == rx.State.slug) & (CampaignLive.slug == rx.State.slug)
    page = rx.el.div(
        rx.el.h1(t("Match and milestones"), class_name="title"),
        rx.el.p(
            rx.cond(
                is_here,
                rx.el.a(CampaignLive.name, href=MatchPage.campaign_address, class_name="link name"),
            ),
            class_name="lead mt-2 mb-8",
        ),
        rx.cond(
            ~is_here,
            rx.el.div(
                ghost("20rem"), ghost("16rem"), class_name="loading grid content-start gap-6"
            ),
        ),
        # Hidden and not taken away while the page loads again, or what is typed would be lost.
        rx.el.div(_challenges(), _milestones(), hidden=~is_here),
        class_name="max-w-xl",
    )
    gone = nothing_here(t("There is nothing at this address, or not for you."))
    return shell(rx.cond(MatchPage.missing, gone, page), stale=CampaignLive.stale)


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        match,
        route=routes.MATCH,
        title=t("Match and milestones · Financial Live"),
        description=t("Who adds to the gifts of this campaign, and what it tells of."),
        on_load=[Shell.leave_rooms, MatchPage.load],
    )
