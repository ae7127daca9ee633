"""One's own gifts: what others see of each, and its receipt."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.contexts.donations import Donation
from financial_live.contexts.wire import amount_text, time_text
from financial_live.rooms.views import microseconds
from financial_live.ui.components.gifts import badge, given_and_counted
from financial_live.ui.components.values import amount, when
from financial_live.ui.text import t

Row = rx.Var[dict[str, Any]]


def gift_line(gift: Donation) -> dict[str, Any]:
    """Return what the page says of one gift."""
    return {
        "id": str(gift.id),
        "campaign": gift.campaign.name,
        "href": routes.campaign(gift.campaign.slug),
        "amount": amount_text(gift.amount),
        "currency": gift.currency,
        "counted": amount_text(gift.converted_amount) if gift.rate is not None else "",
        "campaign_currency": gift.campaign.currency,
        "given_back": amount_text(gift.refunded_amount) if gift.refunded_amount else "",
        "status": "partly_refunded" if _is_partly_refunded(gift) else str(gift.status),
        "is_counted": gift.is_counted,
        "show_name": gift.show_name,
        "show_amount": gift.show_amount,
        "at": microseconds(time_text(gift.inserted_at)),
    }


def _is_partly_refunded(gift: Donation) -> bool:
    return gift.refunded_amount > 0 and gift.kept_amount > 0


def own_gifts(
    gifts: rx.Var[list[dict[str, Any]]], *, email: rx.Var[str], show_or_hide: Any, receipt: Any
) -> rx.Component:
    """Return the section of one's gifts.

    ``show_or_hide`` is called with a gift's id, "name" or "amount", and whether to show it;
    ``receipt`` with the id of a gift that is counted.
    """
    return rx.el.section(
        rx.el.h2(t("Your gifts"), class_name="heading mb-3"),
        rx.cond(
            gifts.length() > 0,
            rx.el.ul(
                rx.foreach(gifts, lambda gift: _row(gift, show_or_hide, receipt)),
                class_name="gifts",
                id="own-gifts",
            ),
            _none(email),
        ),
        class_name="mb-12",
    )


def _none(email: rx.Var[str]) -> rx.Component:
    return rx.el.div(
        rx.el.p(
            t("Gifts given with the address "),
            rx.el.b(email),
            t(" appear here, with their receipts."),
            class_name="quiet mb-5",
        ),
        rx.el.a(t("See the campaigns"), href=routes.CAMPAIGNS, class_name="button"),
        class_name="empty",
    )


def _row(gift: Row, show_or_hide: Any, receipt: Any) -> rx.Component:
    return rx.el.li(
        rx.el.h3(
            rx.el.a(gift["campaign"], href=gift["href"].to(str), class_name="name"),
            class_name="name",
        ),
        given_and_counted(gift, gift["campaign_currency"]),
        rx.el.div(
            rx.el.span(
                when(at=gift["at"]),
                " · ",
                badge(gift["status"].to(str)),
                rx.cond(
                    gift["status"] == "partly_refunded",
                    rx.fragment(": ", amount(gift["given_back"], gift["campaign_currency"])),
                ),
            ),
            rx.cond(gift["is_counted"], _receipt(gift, receipt)),
            class_name="meta ends",
        ),
        rx.el.div(
            _switch(gift, "name", t("Show my name"), show_or_hide),
            _switch(gift, "amount", t("Show the amount"), show_or_hide),
            class_name="switches",
        ),
        key=gift["id"].to(str),
        class_name="gift",
    )


def _switch(gift: Row, what: str, label: str, show_or_hide: Any) -> rx.Component:
    return rx.el.label(
        rx.el.input(
            type="checkbox",
            checked=gift[f"show_{what}"].to(bool),
            on_change=lambda shown: show_or_hide(gift["id"].to(str), what, shown),
        ),
        rx.el.span(label),
        class_name="check",
    )


def _receipt(gift: Row, receipt: Any) -> rx.Component:
    return rx.el.button(
        t("Receipt"),
        type="button",
        class_name="link",
        on_click=receipt(gift["id"].to(str)),
        custom_attrs={"aria-label": f"{t('Receipt for')} {gift['campaign']}"},
    )
