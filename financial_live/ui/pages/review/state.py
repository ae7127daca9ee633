"""What the desk shows its visitor, and what they do there."""

import time
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Any

import reflex as rx

from financial_live import rights, rooms, routes
from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import (
    UNDO_WITHIN,
    Donation,
    DonationStatus,
    Done,
    Outcome,
    QueueOrder,
    Waiting,
)
from financial_live.errors import AppError, Invalid, NotFound, Stale, Unauthorized, Unavailable
from financial_live.rights import Act
from financial_live.scope import Scope
from financial_live.ui import forms, live
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell
from financial_live.ui.pages.review import shown
from financial_live.ui.pages.review.asking import Asked
from financial_live.ui.text import t

ROWS = 50
_LABELS = {"reason": t("Reason"), "amount": t("Amount")}
_FILTERS = ("campaign", "status", "second", "order")
_ID_LENGTH = 36
# An act is written down in the transaction that changes the gift, a moment before.
_OF_ONE_ACT = timedelta(seconds=5)


class ReviewPage(live.LoadsAgain, rx.State):
    """The list that the address asks for, the gift that is open, and what came of the last act."""

    loaded: bool = False
    failing: bool = False
    reviews: bool = True
    read: str = ""

    campaign: str = ""
    status: str = str(DonationStatus.PENDING)
    second: bool = False
    least: str = ""
    order: str = str(QueueOrder.OLDEST)
    currency: str = ""
    campaigns: list[dict[str, Any]] = []
    least_problem: str = ""

    rows: list[dict[str, Any]] = []
    ids: list[str] = []
    total: int = 0
    first: int = 0
    previous: str = ""
    next: str = ""
    list_address: str = routes.REVIEW
    opening: str = ""
    """The address that opens a gift, but for its id."""

    gift_id: str = ""
    gift: dict[str, Any] = {}
    history: list[dict[str, Any]] = []

    refused: str = ""
    problem: str = ""
    acted_before: dict[str, Any] = {}
    errors: dict[str, str] = {}
    sent: int = 0
    outcomes: list[dict[str, Any]] = []
    many_problem: str = ""
    done: dict[str, Any] = {}
    left_s: float = 0
    _undoable: list[str] = []
    _until: float = 0
    _held_at: int = -1

    @rx.event
    async def load(self) -> Any:
        """Show what the address asks for to who reviews gifts; others learn what to do."""
        self._forget_problems()
        self.least_problem = ""
        self.left_s = max(0.0, round(self._until - time.time(), 1))
        return await self._load(is_arriving=True)

    @rx.event
    async def move(self) -> Any:
        """Show what is different now; what is open, chosen or typed stays."""
        return await self._load()

    def _forget_problems(self) -> None:
        self.refused = self.problem = self.many_problem = ""
        self.acted_before, self.errors, self._held_at = {}, {}, -1

    async def _load(self, *, is_arriving: bool = False) -> Any:
        asked = Asked.of(self.router.url.query_parameters)
        try:
            await self._show(await scope_of(self), asked)
        except Unauthorized:
            self.reset()
            return rx.redirect(routes.login(to=asked.address), replace=True)
        except Unavailable:
            if is_arriving:  # Somebody else may sit here by now.
                self.reset()
                self.failing = True
            return ReviewPage.load_again

    async def _show(self, scope: Scope, asked: Asked) -> None:
        rights.require(scope, Act.REVIEW_QUEUE, owner=scope.user_id)
        self.reviews = await donations.is_reviewer(scope)
        self.failing = False
        if not self.reviews:
            self.rows, self.gift, self.history, self.loaded = [], {}, [], True
            return
        self.read = await live.follow(self, rooms.review_room())
        waiting = await donations.waiting(scope)
        campaign = await _campaign(scope, asked.campaign)
        if campaign is None:
            asked = asked.but(campaign="")
        self._note_filters(asked, campaign, waiting)
        await self._show_list(scope, asked, campaign)
        await self._show_gift(scope, asked.gift)
        self.loaded = True
        (await self.get_state(Shell)).waiting = sum(one.gifts for one in waiting)

    def _note_filters(
        self, asked: Asked, campaign: Campaign | None, waiting: Sequence[Waiting]
    ) -> None:
        currencies = {campaign.currency} if campaign else {one.currency for one in waiting}
        # Amounts of several currencies are not compared: then nothing is asked for by amount.
        self.currency = currencies.pop() if len(currencies) == 1 else ""
        self.campaign, self.second = asked.campaign, asked.second == "1"
        self.status = asked.status or str(DonationStatus.PENDING)
        self.order = asked.order or str(QueueOrder.OLDEST)
        self.least = asked.least if self.currency else ""
        self.campaigns = [shown.campaign(one) for one in waiting]
        if campaign and campaign.slug not in {one.slug for one in waiting}:
            self.campaigns.append({"slug": campaign.slug, "label": campaign.name})

    async def _show_list(self, scope: Scope, asked: Asked, campaign: Campaign | None) -> None:
        page = await donations.review_queue(
            scope,
            campaign_id=campaign.id if campaign else None,
            status=asked.only_status,
            needs_second=self.second,
            least=asked.least_amount if self.currency else None,
            order=self.order,
            page=asked.page or 1,
            per_page=ROWS,
        )
        rows = [shown.row(gift, me=scope.caller) for gift in page.items]
        self.rows = await self._with_refused(scope, rows)
        self.ids = [row["id"] for row in self.rows]
        self.total, self.first = page.total, (page.page - 1) * page.per_page + 1
        at = asked.but(gift="")
        self.list_address = at.address
        self.opening = f"{at.address}{'&' if '?' in at.address else '?'}gift="
        is_late = page.page > 1
        self.previous = at.but(page=str(min(page.page - 1, page.pages))).address if is_late else ""
        self.next = at.but(page=str(page.page + 1)).address if page.page < page.pages else ""

    async def _with_refused(self, scope: Scope, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Keep the gift of which an act was just refused where it was: the refusal stands there."""
        if self._held_at < 0 or any(row["id"] == self.refused for row in rows):
            return rows
        try:
            gift, _ = await _case(scope, self.refused)
        except NotFound:
            return rows
        rows.insert(self._held_at, shown.row(gift, me=scope.caller))
        return rows

    async def _show_gift(self, scope: Scope, gift_id: str) -> None:
        self.gift_id = gift_id
        if gift_id == "":
            self.gift, self.history = {}, []
            return
        try:
            gift, history = await _case(scope, gift_id)
        except NotFound:
            self.gift, self.history = {}, []
            return
        self.gift = shown.opened(gift, history, me=scope.caller)
        self.history = shown.told(history)

    @rx.event
    def narrow(self, name: str, value: str) -> Any:
        """Ask for other gifts, or for another order, from the first page on."""
        asked = Asked.of(self.router.url.query_parameters)
        if name in _FILTERS:
            return rx.redirect(asked.but(**{name: value, "page": "", "gift": ""}).address)
        return None

    @rx.event
    def narrow_amount(self, form: dict[str, Any]) -> Any:
        """Ask for gifts of an amount or more, or say what is wrong with it."""
        typed = forms.texts(form).get("least", "")
        least, self.least_problem = forms.read_amount(typed[:_ID_LENGTH], self.currency)
        if self.least_problem:
            return None
        asked = Asked.of(self.router.url.query_parameters)
        return rx.redirect(asked.but(least=least, page="", gift="").address)

    @rx.event
    async def act(self, what: str, gift_id: str, version: int) -> Any:
        """Approve, hide or show a gift as the visitor sees it, or say beside it why not."""
        scope = await self._whoever()
        if scope is None:
            return ReviewPage.load_again
        match what:
            case "approve":
                work = donations.approve(scope, gift_id, version=version)
            case "hide":
                work = donations.hide(scope, gift_id)
            case "show":
                work = donations.show(scope, gift_id)
            case _:
                return None
        return await self._do(scope, what, gift_id, work)

    @rx.event
    async def reject(self, form: dict[str, Any]) -> Any:
        """Reject the gift that is open, or say what is wrong with the reason, or why not."""
        typed, version = _read(form)
        scope = await self._whoever()
        if scope is None:
            return ReviewPage.load_again
        gift_id, attrs = typed.get("gift_id", ""), {"reason": typed.get("reason", "")}
        work = donations.reject(scope, gift_id, attrs, version=version)
        return await self._do(scope, "reject", gift_id, work)

    @rx.event
    async def refund(self, form: dict[str, Any]) -> Any:
        """Refund the gift that is open, whole or in part, or say what is wrong."""
        typed, version = _read(form)
        scope = await self._whoever()
        if scope is None:
            return ReviewPage.load_again
        gift_id, reason = typed.get("gift_id", ""), typed.get("reason", "")
        currency = str(self.gift.get("campaign_currency", ""))
        amount, problem = forms.read_amount(typed.get("amount", "")[:_ID_LENGTH], currency)
        if problem:
            self._forget_problems()
            self.errors = {"amount": problem}
            return rx.set_focus("refund-amount")
        attrs = {"reason": reason} | ({"amount": amount} if amount else {})
        work = donations.refund(scope, gift_id, attrs, version=version)
        return await self._do(scope, "refund", gift_id, work)

    async def _whoever(self) -> Scope | None:
        """Return who acts; None if nobody can be looked up now, which the page then says."""
        try:
            return await scope_of(self)
        except Unavailable as error:
            self._forget_problems()
            self.problem = self.many_problem = error.message
            return None

    async def _do(self, scope: Scope, act: str, gift_id: str, work: Awaitable[Donation]) -> Any:
        """Do ``work`` and show what is true then, with why it was refused if it was."""
        self._forget_problems()
        focus = None
        try:
            gift = await work
        except Invalid as error:
            self.errors = forms.sentences(error, _LABELS)
            self.refused, self.problem = str(gift_id)[:_ID_LENGTH], self.errors.get("form", "")
            focus = _field(act, self.errors)
        except AppError as error:
            await self._note_refusal(scope, str(gift_id)[:_ID_LENGTH], error)
        else:
            self.sent += 1
            self._offer_undo(_deed(act, gift), [str(gift.id)])
        return await self._load() or focus

    async def _note_refusal(self, scope: Scope, gift_id: str, error: AppError) -> None:
        self.refused, self.problem = gift_id, error.message
        self._held_at = self.ids.index(gift_id) if gift_id in self.ids else -1
        if isinstance(error, Stale):
            self.acted_before = await _who_came_first(scope, gift_id)

    def _offer_undo(self, deed: dict[str, Any], gift_ids: list[str]) -> None:
        if deed["act"] in ("hide", "show"):  # The button beside it does the opposite.
            deed, gift_ids = {}, []
        self._undoable = gift_ids
        self.left_s = UNDO_WITHIN.total_seconds() if gift_ids else 0
        self._until = time.time() + self.left_s
        self.done = deed | {"number": self.done.get("number", 0) + 1}

    @rx.event
    async def undo(self) -> Any:
        """Take the last act of this page back, or say why not."""
        scope = await self._whoever()
        if scope is None:
            return ReviewPage.load_again
        gift_ids = self._undoable
        self._offer_undo({"act": ""}, [])
        if len(gift_ids) > 1:
            return await self._do_all(scope, "undo", gift_ids, {})
        if gift_ids:
            self._forget_problems()
            try:
                await donations.undo(scope, gift_ids[0])
            except AppError as error:
                await self._note_refusal(scope, gift_ids[0], error)
                self.acted_before = {}
                (await self.get_state(Shell))._say("error", error.message)
        return await self._load()

    @rx.event
    async def approve_all(self, gift_ids: list[str]) -> Any:
        """Approve the gifts that are chosen; each one's outcome is listed."""
        return await self._all("approve", gift_ids, {})

    @rx.event
    async def reject_all(self, gift_ids: list[str], reason: str) -> Any:
        """Reject the gifts that are chosen, for one reason; each one's outcome is listed."""
        return await self._all("reject", gift_ids, {"reason": reason})

    async def _all(self, act: str, gift_ids: list[str], attrs: dict[str, Any]) -> Any:
        scope = await self._whoever()
        if scope is None:
            return ReviewPage.load_again
        return await self._do_all(scope, act, [*dict.fromkeys(gift_ids)], attrs)

    async def _do_all(
        self, scope: Scope, act: str, gift_ids: list[str], attrs: dict[str, Any]
    ) -> Any:
        self._forget_problems()
        before = {row["id"]: row for row in self.rows}
        try:
            became = await donations.review_many(scope, act, gift_ids, attrs)
        except AppError as error:
            self.many_problem = " ".join(forms.sentences(error, _LABELS).values())
            return await self._load()
        if all(isinstance(one, Invalid) for one in became):
            # Nothing was done, for the reason is wrong for all: what is chosen and typed stays.
            self.many_problem = _sentence(became[0])
            return await self._load()
        self.outcomes = [
            shown.outcome(one, before.get(gift_id, {})) | {"key": gift_id, "act": act}
            for gift_id, one in zip(gift_ids, became, strict=True)
        ]
        if act != "undo":
            changed = [str(one.id) for one in became if isinstance(one, Donation)]
            self._offer_undo({"act": act, "count": len(changed)}, changed)
        return await self._load()

    @rx.event
    def dismiss(self) -> None:
        """Close the list of outcomes."""
        self.outcomes = []


async def _campaign(scope: Scope, slug: str) -> Campaign | None:
    """Return the campaign that is asked for; None if there is none."""
    try:
        return await campaigns.get_campaign(scope, slug) if slug else None
    except NotFound:
        return None


async def _case(scope: Scope, gift_id: str) -> tuple[Donation, Sequence[Done]]:
    """Return a gift that the caller may review, and its history. Raises NotFound."""
    gift = await donations.get_donation(scope, gift_id)
    if not await campaigns.may(scope, Act.APPROVE, gift.campaign_id):
        raise NotFound(t("There is no such gift, or it is not yours to review."))
    return gift, await donations.history(scope, gift.id)


async def _who_came_first(scope: Scope, gift_id: str) -> dict[str, Any]:
    """Return the act that changed the gift last; empty if it was none, but its donor's."""
    try:
        gift, history = await _case(scope, gift_id)
    except AppError:
        return {}
    if not history or gift.updated_at - history[-1].at > _OF_ONE_ACT:
        return {}
    return shown.line(history[-1])


def _deed(act: str, gift: Donation) -> dict[str, Any]:
    """Return what was just done, to be said with the way back."""
    is_first = act == "approve" and gift.first_approver is not None
    return {
        "act": "endorse" if is_first else act,
        "name": gift.donor_name,
        "amount": str(gift.amount),
        "currency": gift.currency,
        "count": 1,
    }


def _read(form: object) -> tuple[dict[str, str], int | None]:
    """Return a form's fields, and the version of the gift that it was filled in for."""
    typed = forms.texts(form)
    version = typed.get("version", "")
    is_number = version.isascii() and version.isdecimal() and len(version) < 19
    return typed, int(version) if is_number else None


def _field(act: str, errors: dict[str, str]) -> Any:
    """Return what puts the focus into the first field that is wrong."""
    fields = {"reject": ["reason"], "refund": ["amount", "reason"]}.get(act, [])
    wrong = next((name for name in fields if name in errors), None)
    if wrong is None:
        return None
    return rx.set_focus(wrong if act == "reject" else f"refund-{wrong}")


def _sentence(became: Outcome) -> str:
    assert isinstance(became, AppError)
    return " ".join(forms.sentences(became, _LABELS).values())
