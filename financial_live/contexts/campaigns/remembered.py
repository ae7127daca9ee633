"""Campaigns as this worker has seen them last, for what asks every gift's campaign for its rules.

What is remembered may be old. So whoever acts on it counts by its ``revision``, and counting finds
nothing if the settings have changed since; and who would refuse something by it looks again first.
Only what is committed is remembered: of settings that were rolled back the revision is given again,
to others.
"""

from uuid import UUID

from financial_live import db
from financial_live.contexts.campaigns.models import Campaign, key_of

_MOST_KNOWN = 1024
_known: dict[UUID | str, Campaign] = {}


def remembered(id_or_slug: UUID | str) -> Campaign | None:
    """Return a campaign as it was seen last, its totals older still; None if it never was."""
    return _known.get(key_of(id_or_slug))


def remember(campaign: Campaign) -> None:
    """Remember a campaign as the task's open transaction sees it, once that is committed."""
    db.after_commit(lambda: _remember(campaign))


def _remember(campaign: Campaign) -> None:
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[campaign.id] = _known[campaign.slug] = campaign


def forget(campaign: Campaign) -> None:
    """Forget what was remembered of a campaign: it is old."""
    _known.pop(campaign.id, None)
    _known.pop(campaign.slug, None)
