"""The bar, and what is said beside it."""

from functools import partial
from typing import Any

import reflex as rx

from financial_live.ui.components.values import (
    amount,
    bar_place,
    bar_width,
    beyond,
    count,
    goal_tick,
    inline,
    percent,
    percent_text,
    remaining,
    without_match,
)
from financial_live.ui.text import t

Rows = rx.Var[list[dict[str, Any]]]


def bar(
    goal: Any,
    total: Any,
    *,
    label: Any,
    matched: Any = "0",
    milestones: Rows | None = None,
    is_thin: bool = False,
) -> rx.Component:
    """Return the bar with a tick at the goal, which moves in once the goal is passed.

    What sponsors added of the total, ``matched``, is its last part, in a second tone; each of
    ``milestones`` that is not beyond its end has a tick of its own.
    """
    own = without_match(total, matched)
    ticks = [] if milestones is None else [rx.foreach(milestones, partial(_tick, goal, total))]
    return rx.el.div(
        rx.el.div(
            _filled(bar_width(goal, total), "bar-match"),
            _filled(bar_place(own, goal, total), "bar-fill"),
            class_name="bar-track",
        ),
        *ticks,
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


def _filled(width: rx.Var[float], class_name: str) -> rx.Component:
    reached = inline(**{"--reached": f"{width}%"})
    return rx.el.div(class_name=class_name, custom_attrs=reached)


def _tick(goal: Any, total: Any, milestone: rx.Var[dict[str, Any]]) -> rx.Component:
    place = bar_place(milestone["amount"], goal, total)
    is_reached = rx.cond(milestone["reached_at"], "true", rx.Var("undefined"))
    return rx.cond(
        place <= 100,
        rx.el.div(
            key=milestone["id"].to(str),
            class_name="bar-milestone",
            title=milestone["label"].to(str),
            custom_attrs=inline(insetInlineStart=f"{place}%") | {"data-reached": is_reached},
        ),
    )


def parts_of_total(
    raised: Any, matched: Any, transferred: Any, currency: Any, *, is_expected: Any
) -> rx.Component:
    """Return what the total is made of, where it is not gifts alone, or soon will not be."""
    is_moved = transferred != "0.00"
    return rx.cond(
        (matched != "0.00") | is_moved | is_expected,
        rx.el.ul(
            _part("gifts", t("from gifts"), raised, currency),
            _part("match", t("added by sponsors"), matched, currency),
            rx.cond(is_moved, _part("gifts", t("from other campaigns"), transferred, currency)),
            class_name="parts figures mt-2",
            id="parts",
        ),
    )


def _part(tone: str, name: str, value: Any, currency: Any) -> rx.Component:
    return rx.el.li(rx.el.b(amount(value, currency)), " ", name, class_name=f"part part-{tone}")


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
