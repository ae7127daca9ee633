"""The form to give: an amount, a name and an address, in under a minute."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import reflex as rx

from financial_live.contexts import donations, exchange_rates
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.exchange_rates import Rate
from financial_live.errors import AppError, Conflict
from financial_live.scope import Scope
from financial_live.ui import forms
from financial_live.ui.components.fields import check, field, field_error
from financial_live.ui.components.values import (
    amount,
    day_text,
    landing,
    once_key,
    rate_text,
    with_match,
)
from financial_live.ui.identity import scope_of
from financial_live.ui.live import CampaignLive
from financial_live.ui.text import t

_LABELS = {
    "currency": t("Currency"),
    "amount": t("Amount"),
    "donor_name": t("Name"),
    "donor_email": t("E-mail"),
    "message": t("Message"),
}
_ELSEWHERE = {"campaign_id": t("This campaign")}
_SUGGESTED = {
    "IDR": ("50000", "100000", "250000", "1000000"),
    "USD": ("25", "50", "100", "250"),
    "EUR": ("25", "50", "100", "250"),
}
_SIGNS = {"IDR": "Rp", "USD": "$", "EUR": "€"}
_KEY_LENGTH = 64
_CENT = Decimal("0.01")


class GiveForm(rx.State):
    """What is wrong with the form, how the typed amount is understood, and the gift once given.

    ``currency`` is what is given in, one of ``currencies``. Where that is not the campaign's,
    ``counts_as`` is about what the amount counts as there, by the ``rate`` of a day and a source.
    """

    errors: dict[str, str] = {}
    currency: str = ""
    currencies: list[str] = []
    amount: str = ""
    amount_problem: str = ""
    counts_as: str = ""
    rate: str = ""
    rate_day: str = ""
    rate_source: str = ""
    given_name: str = ""
    given_amount: str = ""
    given_currency: str = ""
    given_counted: str = ""
    given_status: str = ""
    _campaign_id: str = ""
    _campaign_currency: str = ""
    _rates: Mapping[str, Rate] = {}
    _text: str = ""

    async def _open(self, scope: Scope, campaign: Campaign) -> None:
        """Take gifts to ``campaign``; coming back to the same one changes nothing."""
        own = campaign.currency
        if self._campaign_id != str(campaign.id):
            self.reset()
        self._campaign_id, self._campaign_currency = str(campaign.id), own
        self._rates = await exchange_rates.rates_to(scope, own)
        self.currencies = [own, *(one for one in self._rates if one != own)]
        if self.currency not in self.currencies:
            self.currency = own
        self._read()

    def _read(self) -> None:
        """Say how what is typed is understood in the chosen currency, and what it counts as."""
        self.amount, self.amount_problem = forms.read_amount(self._text, self.currency)
        rate = self._rates.get(self.currency)
        self.rate = self.rate_day = self.rate_source = self.counts_as = ""
        if rate is None or self.currency == self._campaign_currency:
            return
        self.rate, self.rate_day = f"{rate.rate.normalize():f}", rate.as_of.isoformat()
        self.rate_source = rate.source
        if self.amount:
            counted = Decimal(self.amount) * rate.rate
            self.counts_as = f"{counted.quantize(_CENT, rounding=ROUND_HALF_UP):f}"

    @rx.event
    def read_amount(self, text: str) -> None:
        """Show how the amount is understood while it is typed."""
        self._text = str(text)[:100]
        self._read()

    @rx.event
    def choose_currency(self, currency: str) -> None:
        """Read what is typed again as an amount in another currency."""
        if currency in self.currencies:
            self.currency = currency
        self.errors = {name: text for name, text in self.errors.items() if name != "amount"}
        self._read()

    @rx.event
    async def give(self, form: dict[str, Any]) -> Any:
        """Give, once however often the form is sent; or say what is wrong with every field."""
        typed = forms.texts(form)
        plain, problem = forms.read_amount(typed.get("amount", ""), self.currency)
        attrs = {
            "donor_name": typed.get("donor_name"),
            "donor_email": typed.get("donor_email"),
            "message": typed.get("message"),
            "amount": plain or ("?" if problem else ""),
            "currency": self.currency,
            "show_name": not forms.is_on(form, "hide_name"),
            "show_amount": not forms.is_on(form, "hide_amount"),
        }
        try:
            gift = await donations.give(
                await scope_of(self),
                attrs,
                campaign=self._campaign_id,
                idempotency_key=typed.get("key", "")[:_KEY_LENGTH] or None,
            )
        except Conflict:
            self.errors = {"form": t("This form has been sent already. Reload to give once more.")}
            return None
        except AppError as error:
            self.errors = forms.sentences(error, _LABELS, elsewhere=_ELSEWHERE)
            if problem:
                self.errors["amount"] = f"{_LABELS['amount']} {problem}."
            first = next((name for name in _LABELS if name in self.errors), None)
            return rx.set_focus(first) if first and first != "currency" else None
        self.errors = {}
        self.given_name, self.given_status = gift.donor_name, str(gift.status)
        self.given_amount, self.given_currency = f"{gift.amount:f}", gift.currency
        self.given_counted = f"{gift.converted_amount:f}" if gift.rate is not None else ""
        return None

    @rx.event
    def give_again(self) -> None:
        """Show the form again, empty."""
        self.given_status = self.given_name = self.given_amount = self.given_counted = ""
        self._text = ""
        self._read()


def _error(name: str) -> rx.Var[str]:
    return GiveForm.errors.get(name, "").to(str)


def _suggestions(currency: str) -> rx.Component:
    return rx.el.div(
        *[
            rx.el.button(
                amount(value, currency),
                type="button",
                class_name="chip",
                on_click=[rx.set_value("amount", value), GiveForm.read_amount(value)],
                custom_attrs={"aria-pressed": rx.cond(GiveForm.amount == value, "true", "false")},
            )
            for value in _SUGGESTED[currency]
        ],
        class_name="choices mb-5",
        role="group",
        custom_attrs={"aria-label": t("Suggested amounts")},
    )


def _currencies() -> rx.Component:
    """Return the choice of a currency, where there is more than the campaign's own."""

    def choice(currency: rx.Var[str]) -> rx.Component:
        return rx.el.label(
            rx.el.input(
                type="radio",
                name="currency",
                value=currency,
                id=f"currency-{currency}",
                checked=GiveForm.currency == currency,
                on_change=GiveForm.choose_currency(currency),
            ),
            rx.match(currency, *_SIGNS.items(), ""),
            rx.el.span(currency, class_name="small quiet"),
            key=currency,
        )

    return rx.cond(
        GiveForm.currencies.length() > 1,
        rx.el.div(
            rx.el.fieldset(
                rx.el.legend(t("Currency"), class_name="sr-only"),
                rx.foreach(GiveForm.currencies, choice),
                class_name="segments currencies",
            ),
            field_error("currency", _error("currency")),
            class_name="field",
        ),
    )


def _amount_hint() -> rx.Component:
    return rx.el.span(
        rx.cond(
            (GiveForm.amount_problem != "") & (_error("amount") == ""),
            rx.el.span(t("The amount "), GiveForm.amount_problem, "."),
            rx.cond(
                GiveForm.amount != "",
                rx.el.span(t("You give "), rx.el.b(amount(GiveForm.amount, GiveForm.currency))),
                rx.el.span(t("Choose one, or write another.")),
            ),
        ),
        rx.cond(GiveForm.rate != "", _conversion()),
        custom_attrs={"aria-live": "polite"},
    )


def _conversion() -> rx.Component:
    """Return what the amount counts as, and by which rate; of the same height before it is."""
    own = CampaignLive.currency
    by = rx.fragment(
        rate_text(GiveForm.rate, own), ", ", GiveForm.rate_source, ", ", day_text(GiveForm.rate_day)
    )
    return rx.el.span(
        rx.cond(
            GiveForm.counts_as != "",
            rx.fragment(
                t("counts as about "), rx.el.b(amount(GiveForm.counts_as, own)), t(" at "), by
            ),
            rx.fragment(t("counted in "), own, t(" at "), by),
        ),
        class_name="conversion",
        id="conversion",
    )


def _match() -> rx.Component:
    """Return what the gift makes with the match that runs now."""
    counts = rx.cond(GiveForm.rate != "", GiveForm.counts_as, GiveForm.amount)
    together = with_match(counts, CampaignLive.challenges)
    return rx.cond(
        CampaignLive.challenges.length() > 0,
        rx.el.p(
            rx.cond(
                together != "",
                rx.fragment(
                    t("with the match: "), rx.el.b(amount(together, CampaignLive.currency))
                ),
            ),
            class_name="with-match",
            id="with-match",
            custom_attrs={"aria-live": "polite"},
        ),
    )


def _more() -> rx.Component:
    return rx.el.details(
        rx.el.summary(t("Add a message, or stay anonymous")),
        rx.el.div(
            field(
                "message",
                label=t("Message"),
                error=_error("message"),
                hint=t("Shown beside your gift."),
                is_long=True,
            ),
            check("hide_name", label=t("Do not show my name")),
            check("hide_amount", label=t("Do not show the amount")),
            class_name="pt-2",
        ),
        class_name="more mb-4",
    )


def _form() -> rx.Component:
    return rx.el.form(
        rx.el.h2(t("Give"), class_name="heading mb-4"),
        _currencies(),
        rx.match(
            GiveForm.currency,
            *[(currency, _suggestions(currency)) for currency in _SUGGESTED],
            rx.fragment(),
        ),
        field(
            "amount",
            label=t("Amount"),
            error=_error("amount"),
            hint=_amount_hint(),
            input_mode="decimal",
            auto_complete="off",
            class_name="amount",
            on_change=GiveForm.read_amount.debounce(120),
        ),
        field(
            "donor_name",
            label=t("Name"),
            error=_error("donor_name"),
            auto_complete="name",
            dir="auto",
        ),
        field(
            "donor_email",
            label=t("E-mail"),
            error=_error("donor_email"),
            hint=t("Never shown. For your receipt."),
            type="email",
            auto_complete="email",
        ),
        _more(),
        once_key(name="key", id="key"),
        rx.cond(
            _error("form") != "", rx.el.p(_error("form"), class_name="error mb-4", role="alert")
        ),
        rx.el.button(
            t("Give"),
            rx.cond(
                GiveForm.amount != "",
                rx.el.span(amount(GiveForm.amount, GiveForm.currency)),
            ),
            type="submit",
            class_name="button primary wide",
        ),
        _match(),
        on_submit=GiveForm.give,
        id="give-form",
        class_name="sheet",
        no_validate=True,
    )


def _thanks() -> rx.Component:
    return landing(
        rx.el.h2(t("Thank you, "), GiveForm.given_name, class_name="heading name"),
        rx.el.p(
            rx.el.b(amount(GiveForm.given_amount, GiveForm.given_currency), class_name="figures"),
            rx.cond(
                GiveForm.given_counted != "",
                rx.fragment(
                    t(", which counts as "),
                    rx.el.b(
                        amount(GiveForm.given_counted, CampaignLive.currency), class_name="figures"
                    ),
                    ",",
                ),
            ),
            rx.cond(
                GiveForm.given_status == "approved",
                t(" is on the bar, for everybody to see."),
                t(" has arrived. It counts as soon as it has been reviewed."),
            ),
            class_name="mt-3",
        ),
        rx.el.button(
            t("Give again"), type="button", class_name="button mt-6", on_click=GiveForm.give_again
        ),
        class_name="sheet thanks",
        custom_attrs={"role": "status"},
    )


def _closed() -> rx.Component:
    return rx.el.div(
        rx.el.h2(
            rx.cond(
                CampaignLive.status == "paused",
                t("Giving is paused"),
                t("This campaign is closed"),
            ),
            class_name="heading",
        ),
        rx.el.p(
            rx.cond(
                CampaignLive.status == "paused",
                t("It opens here again by itself, without a reload."),
                t("It takes no more gifts. Thank you to everybody who gave."),
            ),
            class_name="quiet mt-2",
        ),
        class_name="sheet",
    )


def give_form() -> rx.Component:
    """Return the form, the thanks after it, or why nothing can be given now."""
    return rx.cond(
        GiveForm.given_status != "",
        _thanks(),
        rx.cond(CampaignLive.status == "active", _form(), _closed()),
    )
