"""A campaign, a gift, a rate and an account, nobody's, to show what requests and answers are like.

Nothing in them is missing: FastAPI leaves nulls out of the document.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from financial_live.contexts.accounts import ApiToken, NewToken, User
from financial_live.contexts.campaigns import Campaign, ReviewPolicy
from financial_live.contexts.donations import Donation, DonationSource, DonationStatus
from financial_live.contexts.exchange_rates import ExchangeRate
from financial_live.scope import Role, TokenScope

_MOMENT = datetime(2026, 3, 7, 12, 0, 0, tzinfo=UTC)

NEW_CAMPAIGN: dict[str, Any] = {
    "name": "A well for Wonosari",
    "goal_amount": "75000000",
    "currency": "IDR",
    "description": "Clean water for three hundred families.",
    "review_policy": "automatic",
}
CAMPAIGN_CHANGES: dict[str, Any] = {"goal_amount": "90000000", "status": "paused"}
NEW_GIFT: dict[str, Any] = {
    "donor_name": "Sari Lestari",
    "donor_email": "sari@example.org",
    "amount": "250000",
    "currency": "IDR",
    "message": "Semoga berkah",
}
CREDENTIALS: dict[str, Any] = {
    "email": "sari@example.org",
    "password": "rain on a tin roof",
}
REGISTRATION: dict[str, Any] = {"name": "Sari Lestari", **CREDENTIALS}
GIFT_CHANGES: dict[str, Any] = {"message": "Semoga berkah!", "show_amount": False}
NEW_EXCHANGE_RATE: dict[str, Any] = {
    "base_currency": "EUR",
    "quote_currency": "USD",
    "rate": "1.0842",
    "as_of": "2026-03-06",
    "source": "Bank X",
}

CAMPAIGN = Campaign(
    id=UUID("019cc8a1-7f00-7000-8000-000000000001"),
    slug="a-well-for-wonosari",
    name="A well for Wonosari",
    description="Clean water for three hundred families.",
    goal_amount=Decimal("75000000.00"),
    currency="IDR",
    review_policy=ReviewPolicy.AUTOMATIC,
    max_gift=Decimal("10000000.00"),
    total_raised=Decimal("250000.00"),
    gift_count=1,
    version=2,
    inserted_at=_MOMENT,
    updated_at=_MOMENT,
)
GIFT = Donation(
    id=UUID("019cc8a1-7f00-7000-8000-000000000002"),
    campaign_id=CAMPAIGN.id,
    donor_name="Sari Lestari",
    donor_email="sari@example.org",
    amount=Decimal("250000.00"),
    currency="IDR",
    counted_amount=Decimal("250000.00"),
    status=DonationStatus.APPROVED,
    source=DonationSource.API,
    external_id="order-1042",
    user_id=UUID("019cc8a1-7f00-7000-8000-000000000003"),
    message="Semoga berkah",
    version=2,
    inserted_at=_MOMENT,
    updated_at=_MOMENT,
)
EXCHANGE_RATE = ExchangeRate(
    id=UUID("019cc8a1-7f00-7000-8000-000000000004"),
    base_currency="EUR",
    quote_currency="USD",
    rate=Decimal("1.0842"),
    as_of=date(2026, 3, 6),
    source="by hand: Bank X",
    inserted_at=_MOMENT,
)
USER = User(
    id=UUID("019cc8a1-7f00-7000-8000-000000000003"),
    name=REGISTRATION["name"],
    email=REGISTRATION["email"],
    role=Role.MANAGER,
)
TOKEN = NewToken(
    "flt_<43 characters>",
    ApiToken(
        user_id=USER.id,
        name="curl",
        token_hash="",
        hint="",
        scopes=[scope.value for scope in TokenScope],
        expires_at=_MOMENT + timedelta(days=30),
    ),
)
