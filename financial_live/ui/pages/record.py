"""Gifts that were given by hand: entered one by one, or a pile at once that must add up."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import reflex as rx

from financial_live import money, routes
from financial_live.contexts import campaigns, donations
from financial_live.errors import AppError, Forbidden, NotFound, Unauthorized, Unavailable
from financial_live.rights import Act
from financial_live.scope import Scope
from financial_live.ui import forms, live
from financial_live.ui.components.campaigns import ghost
from financial_live.ui.components.entrance import form_error
from financial_live.ui.components.fields import check, field
from financial_live.ui.components.values import amount, count, once_key, renewed
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.pages.not_found import nothing_here
from financial_live.ui.text import t

_LABELS = {
    "donor_name": t("Name"),
    "amount": t("Amount"),
    "given_on": t("Date"),
    "donor_email": t("E-mail"),
}
_BATCH_LABELS = {"lines": t("The list"), "control_total": t("Control total"), "day": t("Date")}
_KEY_LENGTH = 64
_MOST_TYPED = 100_000
_SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Line:
    """A typed line as it is read: where it stands, what it says, and what is wrong with that."""

    number: int
    attrs: Mapping[str, str]
    problem: str = ""


def read_lines(text: str, currency: str) -> list[Line]:
    """Return the gifts of a list: on each line a name, an amount and perhaps an e-mail address.

    They stand in cells, as a table is pasted, or with semicolons or commas between them; then a
    comma is followed by a space. Blank lines are passed over.
    """
    lines = enumerate(text[:_MOST_TYPED].splitlines(), start=1)
    return [_read_line(number, line, currency) for number, line in lines if line.strip()]


def _read_line(number: int, line: str, currency: str) -> Line:
    mark = next((mark for mark in ("\t", ";") if mark in line), None)
    parts = [part.strip() for part in (line.split(mark) if mark else re.split(r",\s+", line))]
    while parts and not parts[-1]:
        parts.pop()
    email = parts.pop() if len(parts) > 1 and "@" in parts[-1] else ""
    if len(parts) < 2:
        return Line(number, {}, t("needs a name and an amount: Siti, 50.000"))
    typed = parts.pop()
    plain, problem = forms.read_amount(typed, currency)
    if problem:
        return Line(number, {}, f"{_LABELS['amount']} “{typed[:40]}” {problem}")
    attrs = {"donor_name": ", ".join(parts), "amount": plain, "currency": currency}
    return Line(number, attrs | ({"donor_email": email} if email else {}))


class RecordPage(live.LoadsAgain, rx.State):
    """What the team of the campaign that the address names enters, and what is wrong with it.

    What is typed stays in the browser until it is taken. ``understood`` is what the list adds up
    to, and ``differs`` by how much that is not the control total.
    """

    missing: bool = False
    subject: str = ""
    name: str = ""
    currency: str = "IDR"
    campaign_address: str = ""
    errors: dict[str, str] = {}
    taken: int = 0
    batch_errors: dict[str, str] = {}
    line_errors: list[dict[str, str]] = []
    more_errors: int = 0
    batches_taken: int = 0
    gifts_read: int = 0
    understood: str = ""
    differs: str = ""
    is_too_much: bool = False
    _lines: str = ""
    _total: str = ""

    @rx.event
    async def load(self) -> Any:
        """Let the team enter gifts; others learn nothing, or where to log in."""
        named = str(self.slug)  # The route's part; Reflex adds it.
        self.reset()
        try:
            await self._show(await scope_of(self), named)
        except Unauthorized:
            return rx.redirect(routes.login(to=routes.record(named)), replace=True)
        except (Forbidden, NotFound):
            self.missing = True
        except Unavailable:
            return RecordPage.load_again

    async def _show(self, scope: Scope, named: str) -> None:
        campaign = await campaigns.get_campaign(scope, named)
        await campaigns.require(scope, Act.RECORD_BATCH, campaign.id)
        self.name, self.currency, self.subject = campaign.name, campaign.currency, named
        self.campaign_address = routes.campaign(campaign.slug)

    @rx.event
    async def record(self, form: dict[str, Any]) -> Any:
        """Enter one gift, or say what is wrong with every field."""
        typed = forms.texts(form)
        plain, problem = forms.read_amount(typed.get("amount", ""), self.currency)
        attrs = {
            **{name: typed.get(name, "") for name in _LABELS},
            "amount": plain or ("?" if problem else ""),
            "currency": self.currency,
            "is_test": forms.is_on(form, "is_test"),
        }
        try:
            gift = await donations.give(
                await scope_of(self),
                attrs,
                campaign=self.subject,
                idempotency_key=typed.get("key", "")[:_KEY_LENGTH] or None,
                source="offline",
            )
        except AppError as error:
            self.errors = forms.sentences(error, _LABELS)
            if problem:
                self.errors["amount"] = f"{_LABELS['amount']} {problem}."
            first = next((name for name in _LABELS if name in self.errors), None)
            return rx.set_focus(first) if first else None
        self.errors = {}
        self.taken += 1
        shown = money.format_amount(gift.amount, gift.currency)
        kind = t("Test gift of {amount} by {name}: entered.") if gift.is_test else None
        said = kind or t("{amount} by {name}: entered.")
        await self._say(said.format(amount=shown, name=gift.donor_name))
        return rx.set_focus("donor_name")

    @rx.event
    def read_list(self, text: str) -> None:
        """Show what the list adds up to while it is typed."""
        self._lines = str(text)[:_MOST_TYPED]
        self._compare()

    @rx.event
    def read_total(self, text: str) -> None:
        """Show by how much the list differs from what it should add up to."""
        self._total = str(text)[:100]
        self._compare()

    def _compare(self) -> None:
        lines = read_lines(self._lines, self.currency)
        self._show_lines([(line.number, line.problem) for line in lines if line.problem])
        amounts = [Decimal(line.attrs["amount"]) for line in lines if line.attrs]
        total = sum(amounts, Decimal(0))
        self.gifts_read, self.understood = len(amounts), f"{total:f}" if lines else ""
        plain, _ = forms.read_amount(self._total, self.currency)
        difference = total - Decimal(plain) if plain and lines else Decimal(0)
        self.is_too_much = difference > 0
        self.differs = f"{abs(difference):f}" if difference else ""

    def _show_lines(self, wrong: Sequence[tuple[int, str]]) -> None:
        self.line_errors = [
            {"number": str(number), "text": text} for number, text in wrong[:_SHOWN_PROBLEMS]
        ]
        self.more_errors = max(len(wrong) - _SHOWN_PROBLEMS, 0)

    @rx.event
    async def record_batch(self, form: dict[str, Any]) -> Any:
        """Enter a list of gifts, all or none; or say what is wrong with every line."""
        typed = forms.texts(form)
        lines = read_lines(typed.get("lines", ""), self.currency)
        wrong = [(line.number, line.problem) for line in lines if line.problem]
        self._show_lines(wrong)
        self.batch_errors = {}
        if wrong:
            self.batch_errors = {"lines": t("Nothing was entered: mend the lines below.")}
            return rx.set_focus("lines")
        plain, problem = forms.read_amount(typed.get("control_total", ""), self.currency)
        try:
            entered = await donations.record_batch(
                await scope_of(self),
                self.subject,
                [line.attrs | {"given_on": typed.get("day", "")} for line in lines],
                {"control_total": plain or ("?" if problem else "")},
                idempotency_key=typed.get("key", "")[:_KEY_LENGTH] or None,
            )
        except AppError as error:
            return self._refused(error, lines, problem)
        self.batches_taken += 1
        self._lines = self._total = ""
        self._compare()
        total = money.format_amount(sum((one.amount for one in entered), Decimal(0)), self.currency)
        said = t("{count} gifts, {total} in all: entered.")
        await self._say(said.format(count=len(entered), total=total))
        return rx.set_focus("lines")

    def _refused(self, error: AppError, lines: Sequence[Line], problem: str) -> Any:
        """Say what is wrong with which line, with the total, or with the whole."""
        of_lines = {name: said for name, said in error.fields.items() if name.startswith("gifts.")}
        found: dict[tuple[int, str], None] = {}
        for name, said in of_lines.items():
            _, index, wrong = name.split(".")
            label = _LABELS.get(wrong, wrong)
            found[lines[int(index)].number, f"{label} {'; '.join(said)}"] = None
        self._show_lines(list(found))
        if of_lines:
            self.batch_errors = {"lines": t("Nothing was entered: mend the lines below.")}
            return rx.set_focus("lines")
        self.batch_errors = forms.sentences(error, _BATCH_LABELS, elsewhere={"gifts": t("Lines")})
        if problem:
            self.batch_errors["control_total"] = f"{_BATCH_LABELS['control_total']} {problem}."
        first = next((name for name in _BATCH_LABELS if name in self.batch_errors), None)
        return rx.set_focus(first) if first else None

    async def _say(self, text: str) -> None:
        shell_state = await self.get_state(Shell)
        shell_state._say("info", text)


def _error(name: str) -> rx.Var[str]:
    return RecordPage.errors.get(name, "").to(str)


def _batch_error(name: str) -> rx.Var[str]:
    return RecordPage.batch_errors.get(name, "").to(str)


def _one() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("One gift"), class_name="heading mb-4"),
        rx.el.form(
            field(
                "donor_name",
                label=_LABELS["donor_name"],
                error=_error("donor_name"),
                auto_complete="off",
                dir="auto",
            ),
            field(
                "amount",
                label=_LABELS["amount"],
                error=_error("amount"),
                input_mode="decimal",
                auto_complete="off",
                class_name="amount",
            ),
            field(
                "given_on",
                label=_LABELS["given_on"],
                error=_error("given_on"),
                hint=t("Left empty, today."),
                type="date",
            ),
            field(
                "donor_email",
                label=_LABELS["donor_email"],
                error=_error("donor_email"),
                hint=t("Only if there is one. For the receipt."),
                type="email",
                auto_complete="off",
            ),
            check("is_test", label=t("Test gift"), hint=t("Tries the system; it never counts.")),
            once_key(name="key", id="key"),
            form_error(_error("form")),
            rx.el.button(t("Enter the gift"), type="submit", class_name="button primary wide mt-3"),
            on_submit=RecordPage.record,
            reset_on_submit=False,
            class_name="sheet",
            id="record-form",
            no_validate=True,
        ),
    )


def _wrong_lines() -> rx.Component:
    return rx.el.div(
        rx.cond(
            RecordPage.line_errors.length() > 0,
            rx.el.ul(
                rx.foreach(
                    RecordPage.line_errors,
                    lambda one: rx.el.li(
                        rx.el.b(t("Line "), one["number"], ": "),
                        one["text"],
                        class_name="error",
                    ),
                ),
                rx.cond(
                    RecordPage.more_errors > 0,
                    rx.el.li(
                        t("and "), count(RecordPage.more_errors), t(" more"), class_name="error"
                    ),
                ),
                class_name="mb-4",
                id="line-errors",
            ),
        ),
        custom_attrs={"aria-live": "polite"},
    )


def _understood() -> rx.Component:
    """Return what the list adds up to, and whether that is what it should."""
    currency = RecordPage.currency
    sum_text = rx.fragment(
        rx.el.b(count(RecordPage.gifts_read)),
        rx.cond(RecordPage.gifts_read == 1, t(" gift, "), t(" gifts, ")),
        rx.el.b(amount(RecordPage.understood, currency)),
    )
    differs = rx.fragment(
        ": ",
        rx.el.b(amount(RecordPage.differs, currency)),
        rx.cond(RecordPage.is_too_much, t(" too much"), t(" too little")),
    )
    return rx.el.p(
        rx.cond(
            RecordPage.understood != "",
            rx.fragment(sum_text, rx.cond(RecordPage.differs != "", differs)),
            t("Nothing is in the list yet."),
        ),
        class_name="adds-up figures",
        id="adds-up",
        custom_attrs={"aria-live": "polite"},
    )


def _batch() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("A pile at once"), class_name="heading mb-4"),
        rx.el.form(
            field(
                "lines",
                label=_BATCH_LABELS["lines"],
                error=_batch_error("lines"),
                hint=t("A gift on each line: Siti, 50.000, siti@example.org. Or paste a table."),
                is_long=True,
                class_name="list",
                dir="auto",
                spell_check=False,
                on_change=RecordPage.read_list.debounce(200),
            ),
            _wrong_lines(),
            field(
                "control_total",
                label=_BATCH_LABELS["control_total"],
                error=_batch_error("control_total"),
                hint=t("What the pile was counted to, by somebody else or a second time."),
                input_mode="decimal",
                auto_complete="off",
                class_name="amount",
                on_change=RecordPage.read_total.debounce(200),
            ),
            _understood(),
            field(
                "day",
                label=_BATCH_LABELS["day"],
                error=_batch_error("day"),
                hint=t("Of all of them. Left empty, today."),
                type="date",
            ),
            once_key(name="key", id="batch-key"),
            form_error(_batch_error("form")),
            rx.el.button(t("Enter all of them"), type="submit", class_name="button primary wide"),
            on_submit=RecordPage.record_batch,
            reset_on_submit=False,
            class_name="sheet",
            id="batch-form",
            no_validate=True,
        ),
    )


def record() -> rx.Component:
    """Return the page where a campaign's team enters gifts."""
    is_here = RecordPage.subject == rx.State.slug
    page = rx.fragment(
        rx.el.h1(t("Record gifts"), class_name="title"),
        rx.el.p(
            rx.cond(
                is_here,
                rx.fragment(
                    t("Cash, cheques and transfers for "),
                    rx.el.a(
                        RecordPage.name, href=RecordPage.campaign_address, class_name="link name"
                    ),
                    ".",
                ),
            ),
            class_name="lead mt-2 mb-8",
        ),
        rx.cond(
            ~is_here,
            rx.el.div(ghost("30rem"), ghost("30rem"), class_name="record-columns loading"),
        ),
        # Hidden and not taken away while the page loads again, or what is typed would be lost.
        rx.el.div(
            renewed(_one(), count=RecordPage.taken),
            renewed(_batch(), count=RecordPage.batches_taken),
            class_name="record-columns",
            hidden=~is_here,
        ),
    )
    gone = nothing_here(t("There is nothing at this address, or not for you."))
    return shell(rx.cond(RecordPage.missing, gone, page))


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        record,
        route=routes.RECORD,
        title=t("Record gifts · Financial Live"),
        description=t("Enter gifts that were given by hand."),
        on_load=[Shell.leave_rooms, RecordPage.load],
    )
