"""The use cases of campaigns. Reading is public; changing one is its owners'."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, outbox, rights
from financial_live.contexts import audit_entries, columns, idempotency_keys, listing
from financial_live.contexts.campaigns import access, events, reaching, repo, team_repo
from financial_live.contexts.campaigns.models import (
    CONSTRAINTS,
    SETTINGS,
    Campaign,
    CampaignInput,
    CampaignStatus,
    key_of,
)
from financial_live.contexts.campaigns.slugs import free_slug, slug_of
from financial_live.contexts.constraints import Constraints, refusals
from financial_live.contexts.inputs import TAKEN, Errors, checked, is_storable_text
from financial_live.errors import AppError, Conflict, Invalid, NotFound, Stale
from financial_live.rights import Act, CampaignRole
from financial_live.scope import Scope

# Enough to see who it is about; the rest is counted.
_LISTED_DONORS = 10


def _has(there: str) -> AppError:
    return Conflict(f"This campaign cannot be deleted: it has {there}. Close it instead.")


def _too_little() -> AppError:
    return Conflict(
        "The campaign has too little left for this: what was given to it has gone to another one."
    )


_NOTHING = Decimal(0)
_COUNTING: Constraints = {"total_must_not_be_negative": _too_little}
_REFUSALS: Constraints = {**CONSTRAINTS, "donation_campaign_id_fkey": partial(_has, "gifts")}


async def list_campaigns(
    scope: Scope,
    *,
    search: str | None = None,
    status: str | None = None,
    order: str = "desc",
    page: int | str = 1,
    per_page: int | str = 20,
) -> listing.Page[Campaign]:
    """Return one page of campaigns, the newest first (``order="asc"``: the oldest).

    ``search`` finds any part of the name, whatever its case. ``per_page`` is 1 to 100. Raises
    Invalid naming every parameter that is wrong, and MissingScope.
    """
    rights.require(scope, Act.LIST_CAMPAIGNS)
    errors = Errors()
    window = listing.window(errors, page=page, per_page=per_page, order=order)
    wanted = listing.choice(errors, "status", status, CampaignStatus)
    pattern = listing.search_pattern(errors, search)
    errors.raise_any()
    async with db.reading() as session:
        rows, total = await repo.page(session, status=wanted, pattern=pattern, window=window)
    return listing.Page(rows, window.page, window.per_page, total)


async def get_campaign(scope: Scope, id_or_slug: UUID | str) -> Campaign:
    """Return one campaign by its id or slug. Raises NotFound, MissingScope."""
    rights.require(scope, Act.GET_CAMPAIGN)
    found = await find_campaign(id_or_slug)
    if found is None:
        raise _unknown(id_or_slug)
    return found


async def find_campaign(id_or_slug: UUID | str) -> Campaign | None:
    """Return one campaign by its id or slug as it is now, or None; for other contexts."""
    key = key_of(id_or_slug)
    if isinstance(key, str) and not is_storable_text(key):
        return None
    async with db.reading() as session:
        return await repo.find(session, key)


def _unknown(key: UUID | str) -> NotFound:
    return NotFound(f"There is no campaign {str(key)[:80]!r}.")


async def create_campaign(
    scope: Scope, attrs: Mapping[str, Any], *, idempotency_key: str | None = None
) -> Campaign:
    """Make a campaign; name, goal_amount and currency are enough.

    Without a slug one is made from the name. A manager who makes one owns it. The same
    ``idempotency_key`` of one caller is the same campaign: the first one is returned, as it is now.
    Emits ``campaign_created``. Raises Unauthorized, Forbidden, Invalid naming every wrong field,
    and Conflict if the key was used for something else, or what it made is gone.
    """
    rights.require(scope, Act.CREATE_CAMPAIGN)
    if idempotency_key is None:
        return await _create(scope, attrs)

    async def act() -> dict[str, Any]:
        return {"campaign_id": str((await _create(scope, attrs)).id)}

    made, _replayed = await idempotency_keys.once(scope, idempotency_key, {"campaign": attrs}, act)
    campaign = await find_campaign(UUID(made["campaign_id"]))
    if campaign is None:
        raise Conflict("The campaign made with this idempotency key has been deleted since.")
    return campaign


async def _create(scope: Scope, attrs: Mapping[str, Any]) -> Campaign:
    settings = checked(CampaignInput, attrs)
    with refusals(_REFUSALS, overflow="goal_amount"):
        async with db.transaction() as session:
            campaign = await _add(session, settings)
            await outbox.append(events.campaign_created(campaign))
            if scope.user_id is not None and not scope.is_admin:
                await team_repo.add(session, campaign.id, scope.user_id, CampaignRole.OWNER)
    return campaign


async def _add(session: AsyncSession, settings: CampaignInput) -> Campaign:
    """Store a campaign with the slug that was chosen, or the first free one made from its name."""
    campaign_id, moment = columns.new_id(), columns.now()
    base = settings.slug or slug_of(settings.name, campaign_id)
    taken = set() if settings.slug else await repo.slugs_like(session, base)
    while True:
        values = settings.model_dump() | {"slug": free_slug(base, taken)}
        campaign = Campaign(id=campaign_id, inserted_at=moment, updated_at=moment, **values)
        if await repo.add(session, campaign):
            return campaign
        if settings.slug:
            raise Invalid({"slug": [TAKEN]})
        # Somebody took it since we looked; that one is known to be taken now.
        taken.add(campaign.slug)


async def update_campaign(
    scope: Scope, id: UUID | str, attrs: Mapping[str, Any], *, revision: int | None = None
) -> Campaign:
    """Change the given settings of a campaign; nothing happens where nothing differs.

    ``revision`` is the one the editor saw. Emits ``campaign_updated``. Raises Unauthorized,
    Forbidden, NotFound, Invalid naming every wrong field, Stale if the settings were edited since
    ``revision``, and Conflict if the currency is to change although there is money in it, or if
    ``one_gift_per_donor`` is to be switched on although some donors gave more than once.
    """
    campaign_id = (await get_campaign(scope, id)).id
    with refusals(_REFUSALS, overflow="goal_amount"):
        async with db.transaction() as session:
            current = await locked(campaign_id)
            await access.require(scope, Act.UPDATE_CAMPAIGN, campaign_id)
            _refuse_stale(current, revision)
            changes = _changes(current, attrs)
            if not changes:
                return current
            await _refuse_new_currency(session, current, changes)
            await _apply_one_gift_rule(session, current, changes)
            about = {name: [str(getattr(current, name)), str(changes[name])] for name in changes}
            campaign = await repo.change(session, current.id, changes)
            await audit_entries.record(
                scope, "update_campaign", campaign_id=campaign.id, details={"changed": about}
            )
            await outbox.append(events.campaign_updated(campaign))
    return campaign


def _refuse_stale(current: Campaign, revision: int | None) -> None:
    if revision is not None and revision != current.revision:
        raise Stale(
            f"This campaign was changed by somebody else meanwhile: it is at revision "
            f"{current.revision}, you saw {revision}. Load it again and repeat your change."
        )


def _changes(current: Campaign, attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that differ. An empty slug leaves it as it is."""
    before = {name: getattr(current, name) for name in SETTINGS}
    after = checked(CampaignInput, before | dict(attrs)).model_dump()
    after["slug"] = after["slug"] or current.slug
    return {name: value for name, value in after.items() if value != before[name]}


async def _refuse_new_currency(
    session: AsyncSession, current: Campaign, changes: Mapping[str, Any]
) -> None:
    if "currency" in changes and (there := await _money_of(session, current.id)):
        message = f"must stay {current.currency}: the campaign has {there}"
        raise Conflict(f"The currency {message}.", fields={"currency": [message]})


async def _money_of(session: AsyncSession, campaign_id: UUID) -> str | None:
    """Return what there is of amounts in the campaign's currency that cannot be taken back."""
    if await repo.has_donations(session, campaign_id):
        return "gifts"
    if await repo.has_entries(session, campaign_id):
        return "transfers"
    return "match challenges" if await repo.has_challenges(session, campaign_id) else None


async def _apply_one_gift_rule(
    session: AsyncSession, current: Campaign, changes: Mapping[str, Any]
) -> None:
    is_on = changes.get("one_gift_per_donor")
    if is_on is None:
        return
    if is_on and (repeated := await repo.repeated_donors(session, current.id)):
        raise _repeated(repeated)
    await repo.copy_one_gift_rule(session, current.id, is_on=is_on)


def _repeated(donors: list[repo.Repeated]) -> Conflict:
    listed = [f"{mask_email(d.email)} ({d.gifts} gifts)" for d in donors[:_LISTED_DONORS]]
    if len(donors) > _LISTED_DONORS:
        listed.append(f"and {len(donors) - _LISTED_DONORS} more")
    message = f"cannot be switched on: {len(donors)} donor(s) gave more than once: "
    return Conflict(
        f"One gift per donor {message}{', '.join(listed)}.",
        fields={"one_gift_per_donor": [message + ", ".join(listed)]},
    )


def mask_email(email: str) -> str:
    """Return an address that its owner's acquaintances recognise and others can't use."""
    name, _, host = email.rpartition("@")
    return f"{name[:1]}***@{host}"


async def delete_campaign(scope: Scope, id: UUID | str, *, revision: int | None = None) -> Campaign:
    """Delete a campaign that never had a gift, a transfer or a challenge, and return what it was.

    ``revision`` is the one the caller saw. Emits ``campaign_deleted``. Raises Unauthorized,
    Forbidden, NotFound, Stale if the settings were edited since, and Conflict if it has any,
    whatever became of them.
    """
    campaign_id = (await get_campaign(scope, id)).id
    with refusals(_REFUSALS, overflow="goal_amount"):
        async with db.transaction() as session:
            campaign = await locked(campaign_id)
            await access.require(scope, Act.DELETE_CAMPAIGN, campaign_id)
            _refuse_stale(campaign, revision)
            if there := await _money_of(session, campaign.id):
                raise _has(there)
            await repo.remove(session, campaign.id)
            session.expunge(campaign)
            campaign.version += 1
            await outbox.append(events.campaign_deleted(campaign))
    return campaign


async def locked(campaign_id: UUID) -> Campaign:
    """Return the campaign, held against every other change until the task's transaction ends.

    Locks are taken in one order: campaigns by id, then donations by id. Raises NotFound.
    """
    async with db.transaction() as session:
        campaign = await repo.lock(session, campaign_id)
    if campaign is None:
        raise _unknown(campaign_id)
    return campaign


async def locked_all(keys: Iterable[object]) -> dict[object, Campaign]:
    """Return those of the campaigns named by ``keys``, ids or slugs, that exist, all held.

    They are locked in order of id, whatever the order of the keys.
    """
    wanted = {key: key_of(key) for key in keys if isinstance(key, UUID | str)}
    ids = [key for key in wanted.values() if isinstance(key, UUID)]
    slugs = [key for key in wanted.values() if isinstance(key, str) and is_storable_text(key)]
    async with db.transaction():
        found = await repo.lock_all(ids, slugs)
    by_name: dict[object, Campaign] = {c.id: c for c in found} | {c.slug: c for c in found}
    return {key: by_name[name] for key, name in wanted.items() if name in by_name}


async def counted(
    campaign_id: UUID,
    *,
    amount: Decimal = _NOTHING,
    gifts: int = 0,
    matched: Decimal = _NOTHING,
    transferred: Decimal = _NOTHING,
    revision: int | None = None,
) -> Campaign | None:
    """Add to a campaign's totals and its number of gifts, one version up, and hold its lock.

    Part of the transaction that changes the gift; nothing is right for a change that counts
    nothing. Returns the campaign as it is after, or None if there is none, or if its settings are
    no longer those of ``revision``: a gift checked against other settings must be checked again.
    Emits ``milestone_reached`` for each milestone that the total reaches for the first time. Raises
    Conflict if more would be taken than the campaign has.
    """
    change = repo.Change(amount, matched, transferred, gifts)
    with refusals(_COUNTING, overflow="amount"):
        async with db.transaction() as session:
            campaign = await repo.count(campaign_id, change, revision=revision)
            if campaign is not None and change.total > 0:
                await reaching.announce(session, campaign, before=campaign.total - change.total)
    return campaign


async def counted_all(changes: Mapping[UUID, repo.Change]) -> dict[UUID, Campaign]:
    """Add to the totals of campaigns that are held, one version up each, as ``counted`` does.

    Returns each as it is after. Emits and raises as ``counted``.
    """
    with refusals(_COUNTING, overflow="amount"):
        async with db.transaction() as session:
            after = await repo.count_all(changes)
            for campaign_id, change in sorted(changes.items()):
                if change.total > 0:
                    campaign = after[campaign_id]
                    await reaching.announce(session, campaign, before=campaign.total - change.total)
    return after


async def edited(campaign_id: UUID) -> Campaign:
    """Count a revision of a campaign: what another context keeps of its settings has changed.

    The caller holds the campaign. Emits ``campaign_updated``.
    """
    async with db.transaction() as session:
        campaign = await repo.change(session, campaign_id, {})
        await outbox.append(events.campaign_updated(campaign))
    return campaign
