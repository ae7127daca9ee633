"""How a gift and its status look, everywhere."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.ui.components.values import amount, date, is_fresh, when
from financial_live.ui.text import t

STATUS_TEXTS = {
    "pending": t("Pending"),
    "approved": t("Approved"),
    "rejected": t("Rejected"),
    "refunded": t("Refunded"),
    "active": t("Live"),
    "paused": t("Paused"),
    "closed": t("Closed"),
}


def badge(status: rx.Var[str]) -> rx.Component:
    """Return the status as a word with a sign of its own shape."""
    return rx.el.span(
        rx.match(status, *STATUS_TEXTS.items(), status), class_name=f"badge badge-{status}"
    )


def donation_card(
    gift: rx.Var[dict[str, Any]], currency: rx.Var[str], *, has_campaign: bool = False
) -> rx.Component:
    """Return one gift: who, how much, when, and its status where that is not "Approved".

    ``has_campaign`` also names the campaign, for lists of gifts to several.
    """
    card = _card_with_campaign if has_campaign else _card
    return card(gift=gift, currency=currency, key=gift["id"])


# Memoized: the browser renders a row again only when the row itself has changed, not when another
# one arrives above it.


@rx.memo
def _card(gift: rx.Var[dict[str, Any]], currency: rx.Var[str]) -> rx.Component:
    return _row(gift, currency)


@rx.memo
def _card_with_campaign(gift: rx.Var[dict[str, Any]], currency: rx.Var[str]) -> rx.Component:
    campaign = rx.el.a(gift["campaign_name"], href=f"{routes.CAMPAIGNS}/{gift['campaign_slug']}")
    return _row(gift, currency, rx.fragment(campaign, " · "))


def _row(
    gift: rx.Var[dict[str, Any]], currency: rx.Var[str], *beside_time: rx.Component
) -> rx.Component:
    name = rx.cond(gift["donor_name"], gift["donor_name"], t("Anonymous"))
    is_new = rx.cond(is_fresh(gift["inserted_at"]), "true", rx.Var("undefined"))
    return rx.el.li(
        rx.el.h3(name, class_name="name"),
        rx.cond(
            gift["amount"],
            rx.el.span(amount(gift["amount"], currency), class_name="amount"),
            rx.el.span(t("Amount hidden"), class_name="hidden-amount"),
        ),
        rx.el.div(
            *beside_time,
            when(time=gift["inserted_at"]),
            rx.cond(gift["status"], rx.fragment(" · ", badge(gift["status"].to(str)))),
            class_name="meta",
        ),
        rx.cond(gift["message"], rx.el.p(gift["message"], class_name="note")),
        class_name="gift",
        custom_attrs={"data-fresh": is_new},
    )


def day(time: rx.Var[str]) -> rx.Component:
    """Return a date, "March 07, 2026"."""
    return rx.el.time(date(time), date_time=time)
