"""The use cases of match challenges. Everybody sees them; a campaign's owners make them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from financial_live import db, outbox, rights
from financial_live.contexts import audit_entries, campaigns, columns
from financial_live.contexts.constraints import refusals
from financial_live.contexts.inputs import checked
from financial_live.contexts.matches import events, repo
from financial_live.contexts.matches.models import CONSTRAINTS, ChallengeInput, MatchChallenge
from financial_live.errors import Conflict, NotFound
from financial_live.rights import Act
from financial_live.scope import Scope


async def list_challenges(scope: Scope, campaign_id: UUID | str) -> Sequence[MatchChallenge]:
    """Return a campaign's challenges, the oldest first. Raises NotFound, MissingScope."""
    rights.require(scope, Act.LIST_CHALLENGES)
    campaign = await campaigns.get_campaign(scope, campaign_id)
    async with db.reading() as session:
        return await repo.of_campaign(session, campaign.id)


async def create_challenge(
    scope: Scope, campaign_id: UUID | str, attrs: Mapping[str, Any]
) -> MatchChallenge:
    """Let a sponsor add to the gifts of a campaign; those that count already are not matched.

    Emits ``challenge_created``; the campaign's settings are another revision. Raises Unauthorized,
    Forbidden, NotFound, and Invalid naming every wrong field.
    """
    campaign = await campaigns.get_campaign(scope, campaign_id)
    with refusals(CONSTRAINTS, overflow="cap"):
        async with db.transaction() as session:
            held = await campaigns.locked(campaign.id)
            await campaigns.require(scope, Act.CREATE_CHALLENGE, held.id)
            given = checked(ChallengeInput, attrs).model_dump()
            given["starts_at"] = given["starts_at"] or columns.now()
            challenge = MatchChallenge(campaign_id=held.id, **given)
            await repo.add(session, challenge)
            after = await campaigns.edited(held.id)
            row = events.challenge_row(challenge)
            await audit_entries.record(
                scope, "create_challenge", campaign_id=held.id, details={"challenge": row}
            )
            await outbox.append(events.challenge_created(challenge, after))
    return challenge


async def cancel_challenge(
    scope: Scope, campaign_id: UUID | str, challenge_id: UUID | str
) -> MatchChallenge:
    """Let a challenge match no more gifts; what it has added stays.

    Emits ``challenge_cancelled``. Raises Unauthorized, Forbidden, NotFound, and Conflict if it was
    cancelled before.
    """
    campaign = await campaigns.get_campaign(scope, campaign_id)
    async with db.transaction() as session:
        held = await campaigns.locked(campaign.id)
        await campaigns.require(scope, Act.CANCEL_CHALLENGE, held.id)
        known = await repo.of_campaign(session, held.id, is_locked=True)
        challenge = next((one for one in known if str(one.id) == str(challenge_id)), None)
        if challenge is None:
            raise NotFound("There is no such match challenge in this campaign.")
        if challenge.cancelled_at is not None:
            raise Conflict("This match challenge was cancelled before.")
        moment = columns.now()
        await repo.cancel(session, challenge.id, moment)
        challenge.cancelled_at = moment
        after = await campaigns.edited(held.id)
        row = events.challenge_row(challenge)
        await audit_entries.record(
            scope, "cancel_challenge", campaign_id=held.id, details={"challenge": row}
        )
        await outbox.append(events.challenge_cancelled(challenge, after))
    return challenge
