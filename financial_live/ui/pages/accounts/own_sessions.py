"""Where one is logged in, and how to end that."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.contexts.accounts import UserSession
from financial_live.contexts.wire import time_text
from financial_live.rooms.views import microseconds
from financial_live.ui.components.values import log_out, when
from financial_live.ui.layout import Shell
from financial_live.ui.text import t

_UNKNOWN_BROWSER = t("An unknown browser")
# What a browser calls itself, and what people call it: the first that fits.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def session_line(one: UserSession, *, is_here: bool) -> dict[str, Any]:
    """Return what the page says of one session."""
    return {
        "id": str(one.id),
        "agent": _browser(one.agent),
        "address": one.address,
        "at": microseconds(time_text(one.last_seen_at)),
        "is_here": is_here,
    }


def _browser(agent: str) -> str:
    """Return a browser as people call it: "Firefox, Android"."""
    named = [
        next((name for sign, name in known if sign in agent), "") for known in (_BROWSERS, _SYSTEMS)
    ]
    return ", ".join(filter(None, named)) or _UNKNOWN_BROWSER


def own_sessions(
    sessions: rx.Var[list[dict[str, Any]]], *, end: Any, end_others: Any
) -> rx.Component:
    """Return the section of one's sessions; ``end`` is called with the id of one."""
    return rx.el.section(
        rx.el.h2(t("Where you are logged in"), class_name="heading mb-3"),
        rx.el.ul(
            rx.foreach(sessions, lambda one: _row(one, end)), class_name="lines", id="sessions"
        ),
        rx.el.div(
            rx.cond(
                sessions.length() > 1,
                rx.el.button(
                    t("Log out everywhere else"),
                    type="button",
                    class_name="button",
                    on_click=end_others,
                ),
            ),
            log_out(
                t("Log out"), csrf=Shell.csrf, to=routes.HOME, class_name="button", id="logout"
            ),
            class_name="mt-4 flex flex-wrap gap-3",
        ),
        class_name="mb-12",
    )


def _row(one: rx.Var[dict[str, Any]], end: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(one["agent"], class_name="font-medium"),
            rx.el.div(one["address"], " · ", when(at=one["at"]), class_name="quiet small"),
        ),
        rx.cond(
            one["is_here"],
            rx.el.span(t("This browser"), class_name="quiet small"),
            rx.el.button(
                t("Log out"),
                type="button",
                class_name="button small",
                on_click=end(one["id"].to(str)),
            ),
        ),
        key=one["id"].to(str),
        class_name="line",
    )
