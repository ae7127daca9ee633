"""The REST door: one router a context, errors translated in one place (``errors``).

A route parses, calls its context with a Scope, and renders. Bodies and answers are JSON; amounts
are decimal text in both, and whole numbers are taken too. Errors are
``{"errors": {field: [messages]}}`` with status 422, and ``{"errors": {"detail": text}}`` with any
other. Whoever calls is a visitor, but for programs that bring an API token (``auth``), and the
site's own pages: these act for whoever is logged in, by the session's cookie, and prove with its
CSRF token that they ask (``parsing``, ``session``). How often one may ask is in ``limits``.

Each route says what it takes and answers (``describing``), and the OpenAPI document is made of that
(``description``). What happens is told in answers that do not end (``events``).
"""

from fastapi import APIRouter, FastAPI

from financial_live.rest import (
    auth,
    campaigns,
    description,
    donations,
    events,
    exchange_rates,
    health,
    ledger,
    matches,
    milestones,
    notifications,
    recording,
    review,
    session,
)
from financial_live.rest.dispatch import heads_of
from financial_live.rest.streams import Streams, nowhere
from financial_live.rest.unknown import Unknown

__all__ = ["Streams", "create_api"]


def create_api(*, ping_bus: health.Ping | None = None, streams: Streams | None = None) -> FastAPI:
    """Return the application for programs; mount the site behind it.

    ``ping_bus`` raises Unavailable while the bus is away; without it, /ready says so of the bus.
    Without ``streams`` no events can be followed.
    """
    # FastAPI would serve its own document, and a page with scripts of other servers.
    # Nothing is at an address with one more slash: a redirect would forget a proxy's https.
    api = FastAPI(
        title="financial_live",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    known: list[APIRouter] = [
        campaigns.router,
        milestones.router,
        matches.router,
        review.router,
        recording.router,
        donations.router,
        ledger.router,
        notifications.router,
        exchange_rates.router,
        events.create_router(streams or Streams(nowhere)),
        auth.router,
        session.router,
        health.create_router(ping_bus),
        description.create_router(api),
    ]
    known.append(heads_of(known))
    # Their routes as they are: a router that is included looks twice for each request.
    for router in known:
        api.router.routes.extend(router.routes)
    api.router.routes.append(Unknown(known))
    return api
