"""The bar, and what is said beside it."""

from typing import Any

import reflex as rx

from financial_live.ui.components.values import bar_width, goal_tick, inline, percent, percent_text
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
