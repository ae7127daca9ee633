"""Amounts, counts and times as the browser formats them: they travel raw."""

from typing import Any

import reflex as rx
from reflex.event import EventHandler, no_args_event_spec
from reflex_base.vars.base import VarData

_FORMAT = "$/public/format.js"
_LIVE = "$/public/live.js"


def _call(name: str, *args: Any, result: type) -> rx.Var[Any]:
    """Return the browser's ``name(*args)`` of format.js."""
    values = [rx.Var.create(arg) for arg in args]
    data = VarData.merge(
        VarData(imports={_FORMAT: [name]}), *(value._get_all_var_data() for value in values)
    )
    return rx.Var(
        f"{name}({', '.join(str(value) for value in values)})", _var_type=result, _var_data=data
    )


def amount(value: Any, currency: Any) -> rx.Var[str]:
    """Return an amount as its currency is written at home, "Rp 50.000"."""
    return _call("formatAmount", value, currency, result=str).to(str)


def count(value: Any) -> rx.Var[str]:
    """Return a whole number with separators."""
    return _call("formatCount", value, result=str).to(str)


def remaining(goal: Any, total: Any) -> rx.Var[str]:
    """Return what is left to the goal as a decimal string, at least 0."""
    return _call("remaining", goal, total, result=str).to(str)


def beyond(goal: Any, total: Any) -> rx.Var[str]:
    """Return what is raised past the goal as a decimal string, at least 0."""
    return remaining(total, goal)


def average(total: Any, gifts: Any) -> rx.Var[str]:
    """Return the mean gift as a decimal string, empty if there is none."""
    return _call("average", total, gifts, result=str).to(str)


def percent(goal: Any, total: Any) -> rx.Var[float]:
    """Return how much of the goal is reached, in percent, with one decimal."""
    return _call("percent", goal, total, result=float).to(float)


def percent_text(goal: Any, total: Any) -> rx.Var[str]:
    """Return how much of the goal is reached as text, "42.5%"."""
    return _call("formatPercent", goal, total, result=str).to(str)


def bar_width(goal: Any, total: Any) -> rx.Var[float]:
    """Return how far the bar reaches, in percent of its length."""
    return _call("barWidth", goal, total, result=float).to(float)


def goal_tick(goal: Any, total: Any) -> rx.Var[float]:
    """Return where the goal stands on the bar, in percent of its length."""
    return _call("goalTick", goal, total, result=float).to(float)


def bar_place(value: Any, goal: Any, total: Any) -> rx.Var[float]:
    """Return where an amount stands on the bar, in percent of its length; over 100 beyond it."""
    return _call("barPlace", value, goal, total, result=float).to(float)


def without_match(total: Any, matched: Any) -> rx.Var[str]:
    """Return the total without what sponsors added, as a decimal string, at least 0."""
    return _call("withoutMatch", total, matched, result=str).to(str)


def with_match(value: Any, challenges: Any) -> rx.Var[str]:
    """Return a gift with what sponsors add to it now; empty where they add nothing."""
    return _call("withMatch", value, challenges, result=str).to(str)


def ratio_text(ratio: Any) -> rx.Var[str]:
    """Return what is added to one unit given as a share, "75%"."""
    return _call("formatRatio", ratio, result=str).to(str)


def rate_text(rate: Any, currency: Any) -> rx.Var[str]:
    """Return an exchange rate as numbers are written at home of ``currency``, "17.000"."""
    return _call("formatRate", rate, currency, result=str).to(str)


def day_text(day: Any) -> rx.Var[str]:
    """Return an ISO date without its year, "Nov 30"."""
    return _call("formatDayAlone", day, result=str).to(str)


def clock(time: Any) -> rx.Var[str]:
    """Return the time of day, "19:42:07"."""
    return _call("formatClock", time, result=str).to(str)


def date_text(time: Any) -> rx.Var[str]:
    """Return the date of a moment as ISO text, "November 24, 2026"."""
    return _call("formatDate", time, result=str).to(str)


def is_fresh(at: Any) -> rx.Var[bool]:
    """Return whether ``at``, in microseconds since 1970, is only seconds ago."""
    return _call("isFresh", at, result=bool).to(bool)


def inline(**style: Any) -> dict[str, Any]:
    """Return attributes with an inline style, for values that change.

    What is given to ``style=`` becomes a rule of the page's sheet, one more for each value it ever
    had: over a night of gifts that is a leak.
    """
    return {"style": rx.Var.create(style)}


class When(rx.Component):
    """A moment, in microseconds since 1970, as people say it; exact on hover and for machines."""

    library = _LIVE
    tag = "When"
    at: rx.Var[int]


class Day(rx.Component):
    """The day of a moment, in microseconds since 1970: the same one wherever it is read, in UTC."""

    library = _LIVE
    tag = "Day"
    at: rx.Var[int]


class Moment(rx.Component):
    """A moment as ISO text: its time, with its date if that is not today; exact on hover."""

    library = _LIVE
    tag = "Moment"
    at: rx.Var[str]


class During(rx.Component):
    """Its children, only "before" or "during" (``phase``) what ``begins`` and ``ends``.

    The moments are ISO text; what ``ends`` at none does not end.
    """

    library = _LIVE
    tag = "During"
    begins: rx.Var[str]
    ends: rx.Var[str]
    phase: rx.Var[str]


class Milestones(rx.Component):
    """What tells who listens of each milestone, once, when it is reached while they are here."""

    library = _LIVE
    tag = "Milestones"
    milestones: rx.Var[list[dict[str, Any]]]
    currency: rx.Var[str]
    said: rx.Var[str]


class LocalTime(rx.Component):
    """A field for a moment by the clock where its visitor is; it is sent with its zone."""

    library = _LIVE
    tag = "LocalTime"
    name: rx.Var[str]


class Rolling(rx.Component):
    """A text whose changed characters roll in."""

    library = _LIVE
    tag = "Rolling"
    text: rx.Var[str]


class Line(rx.Component):
    """The root of all pages, which watches the line to the server."""

    library = "$/public/line.js"
    tag = "Line"


class StaleLine(rx.Component):
    """The line that says how old the page is while nothing arrives."""

    library = _LIVE
    tag = "StaleLine"
    stale: rx.Var[int]
    reconnecting: rx.Var[str]
    since: rx.Var[str]


class Follow(rx.Component):
    """What calls ``on_move`` when the ``stamp`` heard is not that of what the page has read."""

    library = _LIVE
    tag = "Follow"
    stamp: rx.Var[str]
    read: rx.Var[str]
    on_move: EventHandler[no_args_event_spec]  # type: ignore[type-arg, valid-type]


class OutOfSight(rx.Component):
    """Its children, shown only while the element with the id ``target`` is out of sight."""

    library = _LIVE
    tag = "OutOfSight"
    target: rx.Var[str]


class Jump(rx.Component):
    """A link to the element with the id ``target``, which gets the focus."""

    library = _LIVE
    tag = "Jump"
    target: rx.Var[str]


class Landing(rx.Component):
    """What takes the focus when it appears because of what somebody just did."""

    library = _LIVE
    tag = "Landing"


class Copyable(rx.Component):
    """A text to take along, with the button that copies it and then says so."""

    library = _LIVE
    tag = "Copyable"
    text: rx.Var[str]
    copy: rx.Var[str]
    copied: rx.Var[str]


class OnceKey(rx.Component):
    """A hidden field with a key of its own each time the form around it appears."""

    library = _LIVE
    tag = "OnceKey"
    name: rx.Var[str]


class Renewed(rx.Component):
    """Its children, anew each time ``count`` grows: a form that was taken is empty again."""

    library = _LIVE
    tag = "Renewed"
    count: rx.Var[int]


class Handover(rx.Component):
    """What turns the ticket for a session into its cookie, and then goes ``to`` a page.

    If an invitation waits in this browser, it goes to the page ``invitation`` with it instead.
    """

    library = _LIVE
    tag = "Handover"
    ticket: rx.Var[str]
    to: rx.Var[str]
    invitation: rx.Var[str]
    csrf: rx.Var[str]
    failed: rx.Var[str]


class LogOut(rx.Component):
    """A button that ends the session, and then goes ``to`` a page, or loads this one anew."""

    library = _LIVE
    tag = "LogOut"
    csrf: rx.Var[str]
    to: rx.Var[str]


class FromLink(rx.Component):
    """A hidden field with what stands behind the # of the page's address."""

    library = _LIVE
    tag = "FromLink"
    name: rx.Var[str]


class Print(rx.Component):
    """A button that prints the page."""

    library = _LIVE
    tag = "Print"


class KeepInvitation(rx.Component):
    """What keeps the invitation of the page's address until its reader is logged in."""

    library = _LIVE
    tag = "KeepInvitation"


announce_milestones = Milestones.create
copyable = Copyable.create
during = During.create
local_time = LocalTime.create
moment = Moment.create
day = Day.create
follow = Follow.create
from_link = FromLink.create
keep_invitation = KeepInvitation.create
handover = Handover.create
log_out = LogOut.create
jump = Jump.create
landing = Landing.create
line = Line.create
once_key = OnceKey.create
print_button = Print.create
renewed = Renewed.create
when = When.create
rolling = Rolling.create
stale_line = StaleLine.create
out_of_sight = OutOfSight.create
