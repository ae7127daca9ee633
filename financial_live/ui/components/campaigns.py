"""How a campaign looks in lists."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.ui.components.progress import bar, gift_count, goal_and_rest, percent_and_gifts
from financial_live.ui.components.values import amount, inline, rolling
from financial_live.ui.text import t


def address(campaign: rx.Var[dict[str, Any]]) -> rx.Var[str]:
    """Return the address of a campaign's page; slugs need no quoting."""
    return rx.Var.create(f"{routes.CAMPAIGNS}/{campaign['slug']}")


def raised_of_goal(campaign: rx.Var[dict[str, Any]]) -> rx.Component:
    """Return "Rp 12.500 of Rp 100.000"."""
    return rx.el.span(
        rx.el.b(amount(campaign["total"], campaign["currency"])),
        rx.el.span(
            t(" of "),
            amount(campaign["goal_amount"], campaign["currency"]),
            class_name="of-goal",
        ),
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
                    campaign["total"],
                    label=campaign["name"],
                    matched=campaign["matched_total"],
                    is_thin=True,
                ),
                class_name="my-4",
            ),
            rx.el.div(
                raised_of_goal(campaign),
                gift_count(campaign["gift_count"]),
                class_name="measures small quiet",
            ),
            href=address(campaign),
            class_name="feature",
        ),
        key=campaign["id"],
    )


def feature(campaign: rx.Var[dict[str, Any]]) -> rx.Component:
    """Return a campaign at full size, its total the largest thing on the page."""
    goal, total = campaign["goal_amount"], campaign["total"]
    return rx.el.article(
        rx.el.a(
            rx.el.h2(campaign["name"], class_name="title name"),
            rx.el.div(hero_total(total, campaign["currency"]), class_name="mt-5"),
            goal_and_rest(goal, total, campaign["currency"]),
            bar(goal, total, label=campaign["name"], matched=campaign["matched_total"]),
            percent_and_gifts(goal, total, campaign["gift_count"]),
            href=address(campaign),
            class_name="feature",
        ),
        rx.el.a(
            t("Give"),
            href=address(campaign),
            class_name="button primary feature-give",
            custom_attrs={"aria-label": f"{t('Give to')} {campaign['name']}"},
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
