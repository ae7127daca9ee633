"""Exchange rates for programs: everybody reads them, admins enter them."""

from typing import Annotated, Any, TypedDict

from fastapi import Depends, Request, Response

from financial_live import routes
from financial_live.contexts import exchange_rates
from financial_live.contexts.exchange_rates import ExchangeRate
from financial_live.contexts.wire import rate_text, time_text
from financial_live.rest import describing, examples
from financial_live.rest.asking import AskedQuery
from financial_live.rest.conditions import KnownTags, fresh
from financial_live.rest.describing import Answer, described, ref
from financial_live.rest.dispatch import Json, new_router
from financial_live.rest.parsing import Caller, Member, body_of, require_json_accepted
from financial_live.rest.rendering import page_of

router = new_router(Depends(require_json_accepted), tag="exchange_rates")

RateBody = Annotated[dict[str, Any], Depends(body_of("exchange_rate"))]


class ExchangeRateAnswer(TypedDict):
    """What one unit of a currency is worth in another; all of it is public."""

    id: str
    """Its id."""
    base_currency: str
    """The currency of which one unit is meant."""
    quote_currency: str
    """The currency that it is worth ``rate`` of."""
    rate: str
    """How much it is worth, decimal text with at most ten decimals."""
    as_of: str
    """The day it is of."""
    source: str
    """Who says so: ECB, or by hand and whose word it is."""
    inserted_at: str
    """When it was entered, UTC to the microsecond."""


def rendered(rate: ExchangeRate) -> ExchangeRateAnswer:
    """Return what programs see of a rate; who entered it is not public."""
    return ExchangeRateAnswer(
        id=str(rate.id),
        base_currency=rate.base_currency,
        quote_currency=rate.quote_currency,
        rate=rate_text(rate.rate),
        as_of=rate.as_of.isoformat(),
        source=rate.source,
        inserted_at=time_text(rate.inserted_at),
    )


_EXAMPLE = rendered(examples.EXCHANGE_RATE)


@router.get(
    routes.API_EXCHANGE_RATES,
    **described(
        Answer(
            200,
            "A page of exchange rates.",
            ref("ExchangeRatePage"),
            {"data": [_EXAMPLE], "page": 1, "per_page": 20, "total": 1},
            ("ETag", "Link"),
        ),
        errors=describing.LISTING,
        is_public=True,
    ),
)
async def list_exchange_rates(
    request: Request, scope: Caller, asked: AskedQuery, known: KnownTags
) -> Response:
    """List exchange rates, of the newest day first; search finds currencies and sources."""
    found = await exchange_rates.list_rates(scope, **asked.filters, page=asked.page)
    return fresh(page_of(request, found, rendered), known)


@router.post(
    routes.API_EXCHANGE_RATES,
    **described(
        Answer(
            201,
            "The exchange rate, as it was entered.",
            describing.data(ref("ExchangeRate")),
            {"data": _EXAMPLE},
        ),
        errors=describing.ENTERING,
        takes=("exchange_rate", "NewExchangeRate", examples.NEW_EXCHANGE_RATE),
    ),
)
async def set_exchange_rate(scope: Member, body: RateBody) -> Response:
    """Enter an exchange rate. It is never changed: a later one replaces it."""
    rate = await exchange_rates.set_rate(scope, body)
    return Json({"data": rendered(rate)}, status_code=201)
