"""What the server loads: the frontend, built before, in front of the application.

``python -m financial_live.asgi`` is a worker. The supervisor starts as many as asked for and
hands each its listening socket.
"""

import functools
import os
import re
import signal
from typing import Any

from starlette.types import ASGIApp, Receive, Scope as AsgiScope, Send

from financial_live import routes
from financial_live.asgi import pace
from financial_live.asgi.build import (
    CLIENT,
    PROJECT,
    build_frontend,
    is_complete,
    present_frontend,
    source_hash,
)
from financial_live.asgi.headers import Headers
from financial_live.asgi.origin import OriginGate, allows_environ
from financial_live.asgi.static import Frontend, is_routed
from financial_live.config import Settings, get_settings
from financial_live.embedded import DataFolder
from financial_live.errors import ConfigError, NotFound, Unavailable
from financial_live.scope import Scope

__all__ = [
    "LEAVE",
    "PROJECT",
    "build_frontend",
    "create_app",
    "is_complete",
    "load_app",
    "present_frontend",
    "reflex_environment",
    "source_hash",
]

LEAVE = signal.SIGUSR1
"""Asks a worker to take no new visitors and to send those it has away, one after another."""


def create_app() -> ASGIApp:
    """Make the worker's application from the settings.

    Raises ConfigError when there is no built frontend.
    """
    settings = get_settings()
    if settings.frontend_dir is None or not is_complete(settings.frontend_dir):
        raise ConfigError(
            f"There is no built frontend at {settings.frontend_dir}. Start with `financial-live "
            "run`, or set FINANCIAL_LIVE_FRONTEND_DIR to the folder of one."
        )
    app = wrapped(load_app(), settings)
    pace.tame()
    return app


def load_app() -> Any:
    """Import the Reflex app, which takes seconds and neither connects nor serves anything."""
    os.environ.update(reflex_environment(get_settings()))
    # Imported here: Reflex reads its environment when it is imported.
    from financial_live.financial_live import app as reflex_app

    return reflex_app


def wrapped(reflex_app: Any, settings: Settings) -> ASGIApp:
    """Put the frontend, the gate for origins and what holds for all answers around a Reflex app."""
    # Imported here: the supervisor uses this package too, and starts faster without all that
    # measuring needs.
    from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware

    from financial_live import telemetry

    folder = settings.frontend_dir or settings.data_dir
    builds = DataFolder(settings.data_dir).frontend
    inner = reflex_app()
    # The pattern that Reflex mounts everything by leaves out paths with a line break.
    for mount in inner.routes:
        mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    is_page = is_routed(reflex_app.router)
    frontend = Frontend(
        inner,
        folder / CLIENT,
        is_page=is_page,
        is_gone=_names_no_campaign,
        builds=builds if folder.parent == builds else None,
    )
    gate = OriginGate(
        # Its routes translate all that goes wrong themselves: of a FastAPI application they need no
        # more, and Reflex puts layers of its own around that.
        _apart(AsyncExitStackMiddleware(reflex_app.api_transformer.router), frontend),
        allowed=settings.allowed_origins,
        only_loopback=settings.serves_this_machine,
    )
    # The event socket compares origins too, with a list made before any address is known.
    reflex_app.sio.eio.cors_allowed_origins = functools.partial(allows_environ, gate)
    is_https = settings.site_url.startswith("https://")
    return telemetry.Telemetry(Headers(gate, is_https=is_https))


def _apart(programs: ASGIApp, site: ASGIApp) -> ASGIApp:
    """Send what asks below /api straight to the door for programs, past all that pages need."""

    async def part(scope: AsgiScope, receive: Receive, send: Send) -> None:
        is_program = scope["type"] == "http" and scope["path"].startswith(f"{routes.API}/")
        await (programs if is_program else site)(scope, receive, send)

    return part


async def _names_no_campaign(path: str) -> bool:
    """Whether ``path`` is the address of a campaign that is not there, as far as can be told.

    What is private, such as a receipt, is there for its owner alone: the page finds out.
    """
    from financial_live.contexts import campaigns

    before, _, named = path.partition(f"{routes.CAMPAIGNS}/")
    if before or not named:
        return False
    slug, _, _ = named.partition("/")
    try:
        await campaigns.get_campaign(Scope.visitor("frontend"), slug)
    except NotFound:
        return True
    except Unavailable:
        return False
    return False


def reflex_environment(settings: Settings) -> dict[str, str]:
    """Return what Reflex is told: nothing to compile, its own short memory, no other origins."""
    return {
        "REFLEX_ENV_MODE": "prod",
        "__REFLEX_SKIP_COMPILE": "true",
        "REFLEX_WEB_WORKDIR": str(settings.frontend_dir),
        "REFLEX_STATE_MANAGER_MODE": "memory",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_SOCKET_INTERVAL": "10s",
        "REFLEX_SOCKET_TIMEOUT": "15s",
        # An empty text would mean the default, which is everybody; no browser sends this one.
        "REFLEX_CORS_ALLOWED_ORIGINS": ",".join(settings.allowed_origins) or "nobody",
    }
