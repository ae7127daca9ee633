"""What sponsors add to gifts, and the totals worth telling of."""

from typing import Any

import reflex as rx

from financial_live.ui.components.values import (
    amount,
    announce_milestones,
    during,
    moment,
    ratio_text,
    remaining,
)
from financial_live.ui.text import t

Row = rx.Var[dict[str, Any]]
Rows = rx.Var[list[dict[str, Any]]]


def match_banner(challenges: Rows, currency: rx.Var[str]) -> rx.Component:
    """Return who adds to gifts now or soon, and how much of it is left: live, and in one place."""
    return rx.cond(
        challenges.length() > 0,
        rx.el.ul(
            rx.foreach(challenges, lambda challenge: _banner(challenge, currency)),
            class_name="matches",
            id="matches",
            custom_attrs={"aria-label": t("Matched gifts")},
        ),
    )


def _banner(challenge: Row, currency: rx.Var[str]) -> rx.Component:
    begins, ends = challenge["starts_at"].to(str), challenge["ends_at"].to(str)
    return rx.fragment(
        during(_running(challenge, currency), begins=begins, ends=ends, phase="during"),
        during(
            rx.el.li(
                rx.el.p(_promise(challenge), t(" from "), moment(at=begins), class_name="promise"),
                rx.el.p(amount(challenge["cap"], currency), t(" in all"), class_name="quiet"),
                class_name="match",
            ),
            begins=begins,
            ends=ends,
            phase="before",
        ),
        key=challenge["id"].to(str),
    )


def _running(challenge: Row, currency: rx.Var[str]) -> rx.Component:
    used_up = rx.el.li(
        rx.el.p(
            rx.el.b(challenge["sponsor_name"], class_name="name"),
            t(" has added "),
            rx.el.b(amount(challenge["cap"], currency)),
            t(", all there was."),
            class_name="promise",
        ),
        class_name="match figures",
    )
    left = rx.el.li(
        rx.el.p(_promise(challenge), class_name="promise"),
        rx.el.p(
            rx.el.b(amount(challenge["remaining"], currency)),
            t(" left of "),
            amount(challenge["cap"], currency),
            rx.cond(
                challenge["ends_at"],
                rx.fragment(t(", until "), moment(at=challenge["ends_at"].to(str))),
            ),
            class_name="left",
        ),
        class_name="match figures",
    )
    return rx.cond(challenge["remaining"] == "0.00", used_up, left)


def _promise(challenge: Row) -> rx.Component:
    """Return "Yayasan Harapan doubles every gift"."""
    verb = rx.match(
        challenge["ratio"],
        ("1.00", rx.fragment(t(" doubles every gift"))),
        ("2.00", rx.fragment(t(" triples every gift"))),
        ("0.50", rx.fragment(t(" adds half to every gift"))),
        rx.fragment(t(" adds "), ratio_text(challenge["ratio"]), t(" to every gift")),
    )
    return rx.fragment(rx.el.b(challenge["sponsor_name"], class_name="name"), verb)


def milestone_list(milestones: Rows, total: rx.Var[str], currency: rx.Var[str]) -> rx.Component:
    """Return the totals worth telling of, the reached ones marked, and told once to who listens."""
    return rx.fragment(
        rx.cond(
            milestones.length() > 0,
            rx.el.section(
                rx.el.h2(t("Milestones"), class_name="heading mb-3"),
                rx.el.ol(
                    rx.foreach(milestones, lambda one: _milestone(one, total, currency)),
                    class_name="milestones figures",
                    id="milestones",
                ),
                class_name="milestone-section",
            ),
        ),
        announce_milestones(milestones=milestones, currency=currency, said=t("Milestone reached:")),
    )


def _milestone(one: Row, total: rx.Var[str], currency: rx.Var[str]) -> rx.Component:
    is_reached = rx.cond(one["reached_at"], "true", rx.Var("undefined"))
    return rx.el.li(
        rx.el.span(one["label"], class_name="name label"),
        rx.el.b(amount(one["amount"], currency)),
        rx.cond(
            one["reached_at"],
            rx.el.span(t("Reached, "), moment(at=one["reached_at"].to(str)), class_name="state"),
            rx.el.span(
                amount(remaining(one["amount"], total), currency), t(" to go"), class_name="state"
            ),
        ),
        key=one["id"].to(str),
        class_name="milestone",
        custom_attrs={"data-reached": is_reached},
    )
