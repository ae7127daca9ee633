"""A receipt of an own gift, made to be printed."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.contexts import donations, receipts
from financial_live.contexts.donations import Donation
from financial_live.contexts.receipts import Paper, Receipt
from financial_live.contexts.wire import amount_text, time_text
from financial_live.errors import Forbidden, NotFound, Unauthorized, Unavailable
from financial_live.rooms.views import microseconds
from financial_live.ui import live
from financial_live.ui.components.campaigns import ghost
from financial_live.ui.components.icons import mark
from financial_live.ui.components.values import amount, day, day_text, print_button, rate_text
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.pages.not_found import nothing_here
from financial_live.ui.text import t


class ReceiptPage(live.LoadsAgain, rx.State):
    """The receipt that the address names, for whom it was issued."""

    missing: bool = False
    subject: str = ""
    receipt: dict[str, Any] = {"replaces": "", "replaced_by": ""}

    @rx.event
    async def load(self) -> Any:
        """Show the receipt to its donor; others learn nothing, or where to log in."""
        named = str(self.receipt_id)  # The route's part; Reflex adds it.
        self.reset()
        try:
            scope = await scope_of(self)
            paper = await receipts.get_receipt(scope, named)
            own = {gift.id: gift for gift in await donations.list_own(scope)}
            gift = own.get(paper.receipt.donation_id) if paper.replaces is None else None
            self.receipt = _lines(paper) | _worth(gift)
            self.subject = named
        except Unauthorized:
            return rx.redirect(routes.login(to=routes.receipt(named)), replace=True)
        except (Forbidden, NotFound):
            self.missing = True
        except Unavailable:
            return ReceiptPage.load_again


def _beside(name: str, one: Receipt | None) -> dict[str, str]:
    number, address = (one.number, routes.receipt(str(one.id))) if one else ("", "")
    return {name: number, f"{name}_address": address}


def _lines(paper: Paper) -> dict[str, Any]:
    one = paper.receipt
    return {
        **_beside("replaces", paper.replaces),
        **_beside("replaced_by", paper.replaced_by),
        "number": one.number,
        "donor_name": one.donor_name,
        "amount": amount_text(one.amount),
        "currency": one.currency,
        "campaign": one.campaign_name,
        "given_at": microseconds(time_text(one.given_at)),
        "issued_at": microseconds(time_text(one.issued_at)),
    }


def _worth(gift: Donation | None) -> dict[str, Any]:
    """Return what a gift in another currency than its campaign's counted as, and by which rate."""
    if gift is None or gift.rate is None or gift.rate_as_of is None:
        return {}
    return {
        "counted": amount_text(gift.converted_amount),
        "campaign_currency": gift.campaign.currency,
        "rate": f"{gift.rate.normalize():f}",
        "rate_source": gift.rate_source,
        "rate_day": gift.rate_as_of.isoformat(),
    }


def _line(name: str, *value: Any, class_name: str = "") -> rx.Component:
    return rx.el.div(rx.el.dt(name), rx.el.dd(*value, class_name=class_name))


def _number(name: str) -> rx.Component:
    """Return the link to a receipt beside this one."""
    one = ReceiptPage.receipt
    return rx.el.a(one[name], href=one[f"{name}_address"].to(str), class_name="link figures")


def _counted(one: rx.Var[dict[str, Any]]) -> tuple[Any, ...]:
    own = one["campaign_currency"]
    rate = rate_text(one["rate"], own)
    by = (t("at "), rate, ", ", one["rate_source"], ", ", day_text(one["rate_day"]))
    return (amount(one["counted"], own), rx.el.span(*by, class_name="hint block"))


def _paper() -> rx.Component:
    one = ReceiptPage.receipt
    return rx.el.article(
        rx.el.header(
            rx.el.span(mark(), rx.el.span("Financial Live"), class_name="wordmark"),
            rx.el.p(
                rx.el.span(t("Receipt number "), class_name="quiet"),
                rx.el.b(one["number"], class_name="figures"),
            ),
            class_name="paper-head",
        ),
        rx.cond(
            one["replaced_by"] != "",
            rx.el.p(
                t("This receipt is no longer valid. It was replaced by number "),
                _number("replaced_by"),
                ".",
                class_name="flash",
                id="replaced",
            ),
        ),
        rx.el.h1(
            rx.cond(one["replaces"] != "", t("Correcting receipt"), t("Receipt")),
            class_name="heading",
        ),
        rx.cond(
            one["replaces"] != "",
            rx.el.p(
                t("It replaces number "),
                _number("replaces"),
                t(": what is kept of the gift has changed."),
                class_name="quiet",
                id="replaces",
            ),
        ),
        rx.el.p(
            amount(one["amount"], one["currency"]),
            rx.el.span(" ", one["currency"]),
            class_name="paper-amount",
        ),
        rx.el.dl(
            _line(t("Received from"), one["donor_name"], class_name="name"),
            _line(t("For"), one["campaign"], class_name="name"),
            rx.cond(one["counted"], _line(t("Counted as"), *_counted(one))),
            _line(t("Date of the gift"), day(at=one["given_at"].to(int))),
            _line(t("Date issued"), day(at=one["issued_at"].to(int))),
            class_name="paper-lines",
        ),
        rx.el.p(
            rx.cond(
                one["replaces"] != "",
                t("This is what was kept of the gift when this was issued. "),
                t("The gift was received, and counted in the campaign's total when issued. "),
            ),
            t("Dates are in UTC."),
            class_name="quiet small",
        ),
        class_name="paper",
        id="receipt",
    )


def receipt() -> rx.Component:
    """Return the page of a receipt."""
    is_here = (ReceiptPage.subject != "") & (ReceiptPage.subject == rx.State.receipt_id)
    page = rx.el.div(
        rx.el.nav(
            rx.el.a(t("Your account"), href=routes.ACCOUNT, class_name="link"),
            rx.cond(is_here, print_button(t("Print"), class_name="button primary")),
            class_name="paper-ways",
            custom_attrs={"aria-label": t("Receipt")},
        ),
        rx.cond(is_here, _paper(), ghost("34rem")),
        class_name="paper-page",
    )
    gone = nothing_here(t("There is nothing at this address, or not for you."))
    return shell(rx.cond(ReceiptPage.missing, gone, page))


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        receipt,
        route=routes.RECEIPT,
        title=t("Receipt · Financial Live"),
        description=t("The receipt of a gift."),
        on_load=[Shell.leave_rooms, ReceiptPage.load],
    )
