"""Streams: lists of which only the changed rows travel.

The browser merges an update into what it holds variable by variable, so a list in one variable
would travel whole. A stream therefore spreads its rows over numbered slots, ``r0`` to ``r19`` say,
one variable each, and remembers for the room, not for each session, which row sits where. An
update that carries one slot changes one row; two updates that the browser merges before it paints
lose nothing. The browser gathers the slots and orders them by the rows' own time (``streamRows``).

Slots are not part of the session's state: nothing on the server holds the list per session, and
Reflex, which does not know them, never sends them or sets them back.
"""

from collections.abc import Mapping
from typing import Any

import reflex as rx
from reflex_base.constants.state import FIELD_MARKER
from reflex_base.vars.base import VarData

Row = Mapping[str, Any]


class Slots:
    """Which row sits in which slot, for all watchers of a room."""

    def __init__(self, size: int) -> None:
        self._slots: dict[str, int] = {}
        self._free = list(range(size))[::-1]
        self._size = size

    def reset(self, rows: Mapping[str, Row]) -> dict[str, Row | None]:
        """Return every slot, filled with ``rows`` or empty."""
        if self._slots.keys() != rows.keys():
            self._slots = {row_id: slot for slot, row_id in enumerate(rows)}
            self._free = list(range(len(rows), self._size))[::-1]
        filled: dict[str, Row | None] = {f"r{slot}": None for slot in range(self._size)}
        filled.update({f"r{self._slots[row_id]}": row for row_id, row in rows.items()})
        return filled

    def change(self, rows: Mapping[str, Row], removed: tuple[str, ...]) -> dict[str, Row | None]:
        """Return the slots that change when ``removed`` leave and ``rows`` come or change."""
        changed: dict[str, Row | None] = {}
        for row_id in removed:
            slot = self._slots.pop(row_id, None)
            if slot is not None:
                self._free.append(slot)
                changed[f"r{slot}"] = None
        for row_id, row in rows.items():
            if row_id not in self._slots:
                self._slots[row_id] = self._free.pop()
            changed[f"r{self._slots[row_id]}"] = row
        return changed


def rows_of(state: type[rx.State], *, size: int) -> rx.Var[list[dict[str, Any]]]:
    """Return the stream that ``state`` receives, newest first, for ``rx.foreach``."""
    held, data = _held(state)
    return rx.Var(
        f"streamRows({held}, {size})",
        _var_type=list[dict[str, Any]],
        _var_data=VarData.merge(data, VarData(imports={"$/public/live.js": ["streamRows"]})),
    ).to(list[dict[str, Any]])


def field_of(state: type[rx.State], name: rx.Var[str]) -> rx.Var[dict[str, Any]]:
    """Return the field that ``state`` receives under a name that only the browser knows."""
    held, data = _held(state)
    return rx.Var(
        f'({held}[{name} + "{FIELD_MARKER}"] ?? {{}})',
        _var_type=dict[str, Any],
        _var_data=VarData.merge(data, name._get_all_var_data()),
    ).to(dict[str, Any])


def _held(state: type[rx.State]) -> tuple[str, VarData | None]:
    """Return what the browser holds of ``state``, and what that needs."""
    any_var = next(iter(state.base_vars.values()))
    return str(any_var).rpartition(".")[0], any_var._get_all_var_data()
