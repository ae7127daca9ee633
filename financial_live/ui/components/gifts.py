"""How a gift and its status look, everywhere."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.ui.components.values import amount, is_fresh, when
from financial_live.ui.text import t

STATUS_TEXTS = {
    "pending": t("Pending"),
    "approved": t("Approved"),
    "rejected": t("Rejected"),
    "refunded": t("Refunded"),
    "partly_refunded": t("Partly refunded"),
    "active": t("Live"),
    "paused": t("Paused"),
    "closed": t("Closed"),
}


def badge(status: rx.Var[str]) -> rx.Component:
    """Return the status as a word with a sign of its own shape."""
    return rx.el.span(
        rx.match(status, *STATUS_TEXTS.items(), status), class_name=f"badge badge-{status}"
    )


def donation_card(gift: rx.Var[dict[str, Any]], currency: rx.Var[str]) -> rx.Component:
    """Return one gift: who, how much, when, and its status where that is not "Approved"."""
    return _card(gift=gift, currency=currency, key=gift["id"])


def donation_card_of(
    gift: rx.Var[dict[str, Any]], campaign: rx.Var[dict[str, Any]]
) -> rx.Component:
    """Return one gift that also names its campaign, for lists of gifts to several."""
    return _card_of(gift=gift, campaign=campaign, key=gift["id"])


def given_and_counted(gift: rx.Var[dict[str, Any]], currency: Any) -> rx.Component:
    """Return what was given, and beside another currency what it counts as in ``currency``."""
    given = rx.cond(gift["currency"], gift["currency"], currency)
    return rx.el.span(
        rx.el.span(amount(gift["amount"], given)),
        rx.cond(
            gift["counted"],
            rx.fragment(" · ", rx.el.span(amount(gift["counted"], currency))),
        ),
        class_name="amount",
    )


# Memoized: the browser renders a row again only when the row itself has changed, not when another
# one arrives above it.


@rx.memo
def _card(gift: rx.Var[dict[str, Any]], currency: rx.Var[str]) -> rx.Component:
    return _row(gift, currency)


@rx.memo
def _card_of(gift: rx.Var[dict[str, Any]], campaign: rx.Var[dict[str, Any]]) -> rx.Component:
    link = rx.el.a(campaign["name"], href=f"{routes.CAMPAIGNS}/{gift['campaign']}")
    return _row(gift, campaign["currency"].to(str), rx.fragment(link, " · "))


def _row(
    gift: rx.Var[dict[str, Any]], currency: rx.Var[str], *beside_time: rx.Component
) -> rx.Component:
    name = rx.cond(gift["donor_name"], gift["donor_name"], t("Anonymous"))
    is_new = rx.cond(is_fresh(gift["at"]), "true", rx.Var("undefined"))
    return rx.el.li(
        rx.el.h3(name, class_name="name"),
        rx.cond(
            gift["amount"],
            given_and_counted(gift, currency),
            rx.el.span(t("Amount hidden"), class_name="hidden-amount"),
        ),
        rx.el.div(
            *beside_time,
            when(at=gift["at"]),
            rx.cond(gift["status"], rx.fragment(" · ", badge(gift["status"].to(str)))),
            class_name="meta",
        ),
        rx.cond(gift["message"], rx.el.p(gift["message"], class_name="note")),
        class_name="gift",
        custom_attrs={"data-fresh": is_new},
    )
