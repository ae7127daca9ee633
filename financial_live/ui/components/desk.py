"""What the desk of reviewers does in the browser; ``assets/review.js`` has the other half."""

from typing import Any

import reflex as rx
from reflex.event import EventHandler, no_args_event_spec, passthrough_event_spec

_REVIEW = "$/public/review.js"


class Desk(rx.Component):
    """The root of the desk: its keys, and where the focus goes when a gift leaves the list.

    ``open`` is the id of the open gift; ``list`` the address without it. ``on_act`` is called with
    what to do to which gift, and the version that is shown.
    """

    library = _REVIEW
    tag = "Desk"
    open: rx.Var[str]
    list: rx.Var[str]
    on_act: EventHandler[passthrough_event_spec(str, str, int)]  # type: ignore[type-arg, valid-type]


class Choose(rx.Component):
    """The checkbox that chooses a gift among many."""

    library = _REVIEW
    tag = "Choose"
    gift: rx.Var[str]


class ChooseAll(rx.Component):
    """The checkbox that chooses all of ``gifts``, or none."""

    library = _REVIEW
    tag = "ChooseAll"
    gifts: rx.Var[list[str]]


class Chosen(rx.Component):
    """What may be done with all that is chosen; its children while nothing is.

    ``words`` are the texts of its buttons; ``problem`` is why nothing was done.
    """

    library = _REVIEW
    tag = "Chosen"
    words: rx.Var[dict[str, str]]
    problem: rx.Var[str]
    on_approve: EventHandler[passthrough_event_spec(list[str])]  # type: ignore[type-arg, valid-type]
    on_reject: EventHandler[passthrough_event_spec(list[str], str)]  # type: ignore[type-arg, valid-type]


class Undo(rx.Component):
    """Its children, which say what was just done, with the way back for ``left`` seconds.

    ``deed`` is another number for each act; 0 is none.
    """

    library = _REVIEW
    tag = "Undo"
    deed: rx.Var[int]
    left: rx.Var[float]
    undo: rx.Var[str]
    on_undo: EventHandler[no_args_event_spec]  # type: ignore[type-arg, valid-type]


class KeySheet(rx.Component):
    """The button that shows its children, the sheet of keys."""

    library = _REVIEW
    tag = "KeySheet"
    label: rx.Var[str]
    close: rx.Var[str]


def within(where: str = "gift") -> dict[str, Any]:
    """Return what makes a link of the desk open without a new page, and where the focus goes."""
    return {"data-within": where}


desk = Desk.create
choose = Choose.create
choose_all = ChooseAll.create
chosen = Chosen.create
undo = Undo.create
key_sheet = KeySheet.create
