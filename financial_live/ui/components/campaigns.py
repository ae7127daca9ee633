"""How a campaign looks in lists."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.ui.components.progress import bar, percent_of_goal
from financial_live.ui.components.values import amount, count, inline, rolling
from financial_live.ui.text import t


def address(campaign: rx.Var[dict[str, Any]]) -> rx.Var[str]:
    """Return the address of a campaign's page; slugs need no quoting."""
    return rx.Var.create(f"{routes.CAMPAIGNS}/{campaign['slug']}")


def raised_of_goal(campaign: rx.Var[dict[str, Any]]) -> rx.Component:
    """Return "Rp 12.500 of Rp 100.000"."""
    return rx.el.span(
        rx.el.b(amount(campaign["total_raised"], campaign["currency"])),
        t(" of "),
        amount(campaign["goal_amount"], campaign["currency"]),
        class_name="figures",
    )


def entry(campaign: rx.Var[dict[str, Any]]) -> rx.Component:
    """Return a campaign as an entry that leads to its page."""
    return rx.el.article(
        rx.el.a(
            rx.el.h3(campaign["name"], class_name="heading name"),
            rx.el.div(
                bar(
                    campaign["goal_amount"],
                    campaign["total_raised"],
                    label=campaign["name"],
                    is_thin=True,
                ),
                class_name="my-4",
            ),
            rx.el.div(
                raised_of_goal(campaign),
                rx.el.span(
                    count(campaign["gift_count"]),
                    rx.cond(campaign["gift_count"] == 1, t(" gift"), t(" gifts")),
                ),
                class_name="measures small quiet",
            ),
            href=address(campaign),
            class_name="feature",
        ),
        key=campaign["id"],
    )


def feature(campaign: rx.Var[dict[str, Any]]) -> rx.Component:
    """Return a campaign at full size, its total the largest thing on the page."""
    return rx.el.article(
        rx.el.a(
            rx.el.h2(campaign["name"], class_name="title name"),
            rx.el.div(
                hero_total(campaign["total_raised"], campaign["currency"]), class_name="mt-5 mb-6"
            ),
            bar(campaign["goal_amount"], campaign["total_raised"], label=campaign["name"]),
            rx.el.div(
                percent_of_goal(campaign["goal_amount"], campaign["total_raised"]),
                rx.el.span(
                    t("Goal "),
                    rx.el.b(amount(campaign["goal_amount"], campaign["currency"])),
                ),
                class_name="measures figures mt-3",
            ),
            href=address(campaign),
            class_name="feature",
        ),
        key=campaign["id"],
        class_name="sized",
    )


def hero_total(total: Any, currency: Any) -> rx.Component:
    """Return a total as large as its line allows."""
    shown = amount(total, currency)
    return rx.el.div(
        rolling(text=shown),
        class_name="total",
        custom_attrs=inline(**{"--chars": shown.length()}),
    )


def ghost(height: str, width: str = "100%") -> rx.Component:
    """Return a quiet shape where something is being loaded."""
    return rx.el.span(class_name="ghost", style={"height": height, "width": width})
