"""The form to give: an amount, a name and an address, in under a minute."""

from typing import Any

import reflex as rx

from financial_live.contexts import donations
from financial_live.contexts.campaigns import Campaign
from financial_live.errors import AppError, Conflict
from financial_live.ui import forms
from financial_live.ui.components.fields import check, field
from financial_live.ui.components.values import amount, landing, once_key
from financial_live.ui.identity import scope_of
from financial_live.ui.live import CampaignLive
from financial_live.ui.text import t

_LABELS = {
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
_KEY_LENGTH = 64


class GiveForm(rx.State):
    """What is wrong with the form, how the typed amount is understood, and the gift once given."""

    errors: dict[str, str] = {}
    amount: str = ""
    amount_problem: str = ""
    given_name: str = ""
    given_amount: str = ""
    given_status: str = ""
    _campaign_id: str = ""
    _currency: str = ""

    def _open(self, campaign: Campaign) -> None:
        """Take gifts to ``campaign``; coming back to the same one changes nothing."""
        if self._campaign_id != str(campaign.id):
            self.reset()
        self._campaign_id, self._currency = str(campaign.id), campaign.currency

    @rx.event
    def read_amount(self, text: str) -> None:
        """Show how the amount is understood while it is typed."""
        self.amount, self.amount_problem = forms.read_amount(str(text)[:100], self._currency)

    @rx.event
    async def give(self, form: dict[str, Any]) -> Any:
        """Give, once however often the form is sent; or say what is wrong with every field."""
        typed = forms.texts(form)
        plain, problem = forms.read_amount(typed.get("amount", ""), self._currency)
        attrs = {
            "donor_name": typed.get("donor_name"),
            "donor_email": typed.get("donor_email"),
            "message": typed.get("message"),
            "amount": plain or ("?" if problem else ""),
            "currency": self._currency,
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
            return rx.set_focus(first) if first else None
        self.errors = {}
        self.given_name, self.given_status = gift.donor_name, str(gift.status)
        self.given_amount = f"{gift.amount:f}"
        return None

    @rx.event
    def give_again(self) -> None:
        """Show the form again, empty."""
        self.given_status = self.given_name = self.given_amount = ""
        self.amount = self.amount_problem = ""


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


def _amount_hint() -> rx.Component:
    return rx.el.span(
        rx.cond(
            (GiveForm.amount_problem != "") & (_error("amount") == ""),
            rx.el.span(t("The amount "), GiveForm.amount_problem, "."),
            rx.cond(
                GiveForm.amount != "",
                rx.el.span(t("You give "), rx.el.b(amount(GiveForm.amount, CampaignLive.currency))),
                rx.el.span(t("Choose one, or write another.")),
            ),
        ),
        custom_attrs={"aria-live": "polite"},
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
        rx.match(
            CampaignLive.currency,
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
                rx.el.span(amount(GiveForm.amount, CampaignLive.currency)),
            ),
            type="submit",
            class_name="button primary wide",
        ),
        on_submit=GiveForm.give,
        id="give-form",
        class_name="sheet",
        no_validate=True,
    )


def _thanks() -> rx.Component:
    return landing(
        rx.el.h2(t("Thank you, "), GiveForm.given_name, class_name="heading name"),
        rx.el.p(
            rx.el.b(amount(GiveForm.given_amount, CampaignLive.currency), class_name="figures"),
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
