"""What the ledger tells.

- ``funds_transferred``: money went from one campaign to another. Each of the two hears it, with its
  own summary as it is after. Goes to ``campaigns``, ``campaign:{id}`` and ``donations``.

The data is ``{"campaign": summary, "transfer": row}``.
"""

from typing import TypedDict

from financial_live.contexts import campaigns
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.ledger.models import LedgerEntry
from financial_live.contexts.wire import amount_text, time_text
from financial_live.event import Event


class TransferRow(TypedDict):
    """A transfer in an event and in answers. All of it is public, as the totals are."""

    id: str
    """The UUID of the ledger's entry."""
    from_campaign_id: str
    """The campaign that has less."""
    to_campaign_id: str
    """The campaign that has more."""
    amount: str
    """How much, decimal text."""
    currency: str
    """The currency of both."""
    inserted_at: str
    """When, UTC to the microsecond."""


def transfer_row(entry: LedgerEntry) -> TransferRow:
    """Return what events and answers say of a transfer."""
    return TransferRow(
        id=str(entry.id),
        from_campaign_id=str(entry.debit_campaign_id),
        to_campaign_id=str(entry.credit_campaign_id),
        amount=amount_text(entry.amount),
        currency=entry.currency,
        inserted_at=time_text(entry.inserted_at),
    )


def funds_transferred(entry: LedgerEntry, campaign: Campaign) -> Event:
    """Tell one of the two campaigns, as it is after, of a transfer."""
    data = {"campaign": campaigns.summary(campaign), "transfer": transfer_row(entry)}
    return Event("funds_transferred", (*campaigns.topics(campaign), "donations"), data)
