"""What a browser's socket may ask for: the handlers of our pages, with arguments of their types.

Reflex calls every public method of every state with whatever arguments a socket brings, and
Socket.IO takes a client's word for its own events: a "connect" that a client sends as an event
would give its socket another address. So all that a socket sends comes through here. What no page
of ours sends is refused before anything is called: it is logged, without a word of what was sent,
and the visitor is told to load the page again, for it may be of another version.
"""

import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, get_type_hints

import reflex as rx
from pydantic import ConfigDict, TypeAdapter, ValidationError
from reflex.app import EventNamespace
from reflex_base.constants import RouteVar
from reflex_base.event import EventHandler
from reflex_base.registry import RegistrationContext
from reflex_base.utils.form import FORM_DATA_ENTRIES_KEY
from reflex_base.utils.format import format_event_handler

_log = logging.getLogger("financial_live.handlers")

_OURS = __name__.partition(".")[0]
# What Reflex's own part of a page sends; its other handlers are called by the server alone.
_REFLEX = frozenset(
    {
        "hydrate",
        "hydrate_and_load",
        "on_load_internal",
        "update_vars_internal",
        "handle_frontend_exception",
    }
)
# How many arguments each of Socket.IO's events comes with, beside the socket.
_ARGUMENTS = {"event": {1}, "ping": {0}, "client_error": {0, 1}}
_ROUTER_DATA = "router_data"
_MAX_PATH = 4096
# A page sends one for each key that is typed, and some dozens when it opens.
EVENTS_AT_ONCE = 100
EVENTS_PER_S = 20.0


class Nonsense(Exception):
    """What no page of ours sends."""


class Gate:
    """Stands between the sockets of this worker and Reflex. ``guard`` puts it there."""

    def __init__(self, namespace: EventNamespace, refused: EventHandler) -> None:
        self._namespace = namespace
        self._refused = format_event_handler(refused)
        self._trigger: Callable[..., Awaitable[Any]] = namespace.trigger_event
        self._on_event: Callable[[str, Any], Awaitable[None]] = namespace.on_event
        self._budgets: dict[str, tuple[float, float]] = {}

    async def trigger_event(self, event: object, *args: Any) -> Any:
        """Pass on what Socket.IO reports, or what a client may send."""
        if not self._is_expected(event, args):
            _log.warning("a socket sent what is no event of a page")
            return None
        if event == "disconnect":
            self._budgets.pop(args[0], None)
        return await self._trigger(event, *args)

    def _is_expected(self, event: object, args: tuple[Any, ...]) -> bool:
        server, name = self._namespace.server, self._namespace.namespace
        if event == "connect":  # Socket.IO reports it with the request itself.
            return len(args) > 1 and args[1] is server.get_environ(args[0], name)
        if event == "disconnect":  # Socket.IO reports it when the socket is on its way out.
            return not server.manager.is_connected(args[0], name)
        return isinstance(event, str) and len(args) - 1 in _ARGUMENTS.get(event, ())

    async def on_event(self, sid: str, data: Any) -> None:
        """Have a handler called, if a page may call it like this."""
        try:
            self._spend(sid)
            where = _where(data)
        except Nonsense as error:
            _log.warning("an event was dropped: %s", error)
            return
        try:
            check(data.get("name"), data.get("payload", {}))
        except Nonsense as error:
            _log.warning("an event was refused: %s", error)
            data = {"name": self._refused, "payload": {}, _ROUTER_DATA: where}
        await self._on_event(sid, data)

    def _spend(self, sid: str) -> None:
        """Count an event of this socket. Raises Nonsense if nobody clicks that fast."""
        now = time.monotonic()
        left, since = self._budgets.get(sid, (float(EVENTS_AT_ONCE), now))
        left = min(EVENTS_AT_ONCE, left + (now - since) * EVENTS_PER_S)
        if left < 1:
            self._budgets[sid] = (left, now)
            raise Nonsense("there are too many of one socket")
        self._budgets[sid] = (left - 1, now)


def check(name: object, payload: object) -> None:
    """Raise Nonsense unless a page may call the handler ``name`` with the arguments ``payload``.

    The arguments fit if each parameter without a default is there and no other, of its very type.
    """
    parameters = _parameters(name) if isinstance(name, str) else None
    if parameters is None:
        raise Nonsense("no page calls such a handler")
    if not isinstance(payload, dict) or not payload.keys() <= parameters.keys():
        raise Nonsense("it has arguments that its handler does not know")
    for parameter, (adapter, is_needed) in parameters.items():
        if parameter not in payload:
            if is_needed:
                raise Nonsense("it lacks an argument")
            continue
        try:
            adapter.validate_python(payload[parameter])
        except ValidationError:
            raise Nonsense("an argument is of another type") from None
        _check_form(payload[parameter])


@cache
def _known() -> Mapping[str, EventHandler]:
    """Return the handlers that pages call, by the names that they are called by."""
    registered = RegistrationContext.get().event_handlers.items()
    return {name: one.handler for name, one in registered if _is_for_pages(one.handler)}


def _is_for_pages(handler: EventHandler) -> bool:
    # Each state also has Reflex's "setvar", which would call whatever begins with "set_".
    if handler.fn.__module__.partition(".")[0] == _OURS:
        return True
    return handler.fn.__name__ in _REFLEX


def _parameters(name: str) -> dict[str, tuple[TypeAdapter[Any], bool]] | None:
    handler = _known().get(name)
    return None if handler is None else _parameters_of(handler.fn)


@cache
def _parameters_of(function: Callable[..., Any]) -> dict[str, tuple[TypeAdapter[Any], bool]]:
    """Return what takes each argument, and whether it must be there."""
    hints = get_type_hints(function)
    _, *parameters = inspect.signature(function).parameters.values()
    strict = ConfigDict(strict=True)
    return {
        one.name: (
            TypeAdapter(hints[one.name], config=strict),
            one.default is inspect.Parameter.empty,
        )
        for one in parameters
    }


def _check_form(argument: object) -> None:
    """Raise Nonsense if this is meant as a form's fields, and is no list of pairs."""
    if not isinstance(argument, dict) or FORM_DATA_ENTRIES_KEY not in argument:
        return
    entries = argument[FORM_DATA_ENTRIES_KEY]
    if not isinstance(entries, list) or not all(_is_field(entry) for entry in entries):
        raise Nonsense("a form is no list of fields")


def _is_field(entry: object) -> bool:
    return isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)


def _where(data: object) -> dict[str, Any]:
    """Return where the page says that it is. Raises Nonsense where that is no place on a site."""
    where = data.get(_ROUTER_DATA) if isinstance(data, dict) else None
    if not isinstance(where, dict):
        raise Nonsense("it is no event of a page")
    if not all(_is_path(where.get(name)) for name in (RouteVar.PATH, RouteVar.ORIGIN)):
        raise Nonsense("it comes from no page")
    query = where.get(RouteVar.QUERY, {})
    if not isinstance(query, dict) or not all(isinstance(text, str) for text in query.values()):
        raise Nonsense("it comes from a page with no such query")
    return where


def _is_path(path: object) -> bool:
    is_text = isinstance(path, str) and len(path) <= _MAX_PATH
    return is_text and str(path).startswith("/") and str(path).isprintable()


def guard(app: rx.App, *, refused: EventHandler) -> EventNamespace:
    """Let all that sockets send come through a gate, and return what they are connected to.

    The handler ``refused`` tells a visitor that something was refused.
    """
    namespace = app.event_namespace
    assert namespace is not None, "Reflex made no event namespace"
    gate = Gate(namespace, refused)
    namespace.trigger_event = gate.trigger_event
    namespace.on_event = gate.on_event  # type: ignore[method-assign]
    return namespace
