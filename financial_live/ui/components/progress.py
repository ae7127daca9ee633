"""The bar, and what is said beside it."""

from typing import Any

import reflex as rx

from financial_live.ui.components.values import (
    amount,
    bar_width,
    beyond,
    count,
    goal_tick,
    inline,
    percent,
    percent_text,
    remaining,
)
from financial_live.ui.text import t


def bar(goal: Any, total: Any, *, label: Any, is_thin: bool = False) -> rx.Component:
    """Return the bar with a tick at the goal, which moves in once the goal is passed."""
    return rx.el.div(
        rx.el.div(
            rx.el.div(
                class_name="bar-fill",
                custom_attrs=inline(**{"--reached": f"{bar_width(goal, total)}%"}),
            ),
            class_name="bar-track",
        ),
        rx.el.div(
            class_name="bar-tick",
            custom_attrs=inline(insetInlineStart=f"{goal_tick(goal, total)}%"),
        ),
        role="progressbar",
        class_name="bar thin" if is_thin else "bar",
        custom_attrs={
            "aria-label": label,
            "aria-valuemin": 0,
            "aria-valuemax": 100,
            "aria-valuenow": bar_width(goal, total),
            "aria-valuetext": percent_text(goal, total),
        },
    )


def percent_of_goal(goal: Any, total: Any) -> rx.Component:
    """Return the progress in words."""
    return rx.el.span(
        rx.el.b(percent_text(goal, total)),
        rx.cond(percent(goal, total) >= 100, t(" of the goal: reached!"), t(" of the goal")),
    )


def goal_and_rest(goal: Any, total: Any, currency: Any, *, is_closed: Any = False) -> rx.Component:
    """Return what stands under the total: "raised of Rp 600.000", and how much is left or over."""
    left = rx.cond(is_closed, t(" short of the goal"), t(" to go"))
    return rx.el.div(
        rx.el.span(t("raised of "), rx.el.b(amount(goal, currency))),
        rx.cond(
            percent(goal, total) > 100,
            rx.el.span(rx.el.b(amount(beyond(goal, total), currency)), t(" past the goal")),
            rx.el.span(rx.el.b(amount(remaining(goal, total), currency)), left),
        ),
        class_name="measures goal-and-rest figures mt-3 mb-5 text-lg",
    )


def percent_and_gifts(goal: Any, total: Any, gifts: Any) -> rx.Component:
    """Return what stands under the bar: "72.1% of the goal", "25 gifts"."""
    return rx.el.div(
        percent_of_goal(goal, total), gift_count(gifts), class_name="measures figures mt-3"
    )


def gift_count(gifts: Any) -> rx.Component:
    """Return "1 gift", "25 gifts"."""
    return rx.el.span(rx.el.b(count(gifts)), rx.cond(gifts == 1, t(" gift"), t(" gifts")))
