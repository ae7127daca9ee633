"""The REST door: one router a context, errors translated in one place (``errors``).

A route parses, calls its context with a Scope, and renders. Bodies and answers are JSON; amounts
are decimal text in both, and whole numbers are taken too. Errors are
``{"errors": {field: [messages]}}`` with status 422, and ``{"errors": {"detail": text}}`` with any
other. Whoever calls is a visitor, but for programs that bring an API token (``auth``), and the
site's own pages: these act for whoever is logged in, by the session's cookie, and prove with its
CSRF token that they ask (``parsing``, ``session``). How often one may ask is in ``limits``.
"""

from fastapi import APIRouter, FastAPI

from financial_live.rest import auth, campaigns, donations, health, session, unknown

__all__ = ["create_api"]


def create_api(*, ping_bus: health.Ping | None = None) -> FastAPI:
    """Return the application for programs; mount the site behind it.

    ``ping_bus`` raises Unavailable while the bus is away; without it, /ready says so of the bus.
    """
    # The documents FastAPI makes know nothing of bodies that contexts check, so they stay off.
    # Nothing is at an address with one more slash: a redirect would forget a proxy's https.
    api = FastAPI(
        title="financial_live",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    known: list[APIRouter] = [
        auth.router,
        campaigns.router,
        donations.router,
        session.router,
        health.create_router(ping_bus),
    ]
    for router in (*known, unknown.create_router(known)):
        api.include_router(router)
    return api
