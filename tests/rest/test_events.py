"""What is told of a campaign to whom, from where on, and when it ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio

from financial_live import cookies, db, outbox, routes, telemetry
from financial_live.contexts import accounts, campaigns, donations
from financial_live.contexts.campaigns import Campaign, CampaignMember, CampaignRole
from financial_live.contexts.donations import DonationSource, Gift
from financial_live.errors import Unavailable
from financial_live.rest import create_api, listening, streams
from financial_live.rooms import Follower, feed as feeding
from financial_live.scope import Role, Scope
from tests.contexts.factories import (
    GIFT,
    OPERATOR,
    make_campaign,
    make_gift,
)
from tests.contexts.people import log_in, make_user
from tests.rest.conftest import client_at
from tests.rest.listening import PATIENCE_S, Event, Listener, World, last_id
from tests.test_telemetry import DISPATCH, ENDPOINT, value

HIDE = {"show_name": False, "show_amount": False}
SECRET: dict[str, Any] = {**HIDE, "amount": "47113", "donor_name": "Tersembunyi"}
HIDDEN = ("Tersembunyi", "47113", "siti@example.org")
EVERYTHING = {"name": "All", "scopes": ["manage"], "expires_in_days": 90}

pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest_asyncio.fixture
async def world(own_database: db.Database) -> AsyncIterator[World]:
    async with await psycopg.AsyncConnection.connect(
        own_database.dsn, autocommit=True
    ) as connection:
        world = World(connection, own_database.dsn)
        yield world
        world.streams.end()


@pytest_asyncio.fixture
async def told(world: World) -> Campaign:
    """Return a campaign whose making was told already."""
    campaign = await make_campaign()
    await world.tell()
    return campaign


async def join(campaign: Campaign, email: str, role: str) -> dict[str, str]:
    """Let somebody new into the team; return what they send to say who they are."""
    user = await make_user(email)
    async with db.transaction() as session:
        session.add(
            CampaignMember(campaign_id=campaign.id, user_id=user.id, role=CampaignRole(role))
        )
    return {"cookie": f"{cookies.NAME}={(await log_in(email)).token}"}


async def scope_by(who: dict[str, str]) -> Scope:
    scope = await accounts.session_scope(who["cookie"].partition("=")[2])
    assert scope is not None
    return scope


def user_of(scope: Scope) -> UUID:
    assert scope.user_id is not None
    return scope.user_id


class TestEverybody:
    async def test_is_first_told_what_the_campaign_is_like(
        self, world: World, told: Campaign
    ) -> None:
        listener = await world.listen(told.slug)
        [first] = await listener.next()

        async with client_at("203.0.113.9") as client:
            shown = (await client.get(routes.api_campaign(told.slug))).json()["data"]
        assert first == Event(await last_id(), "campaign", {"campaign": shown})
        assert listener.status == 200
        assert listener.headers["content-type"] == "text/event-stream"
        assert listener.headers["cache-control"] == "no-store"
        assert listener.headers["x-accel-buffering"] == "no"
        assert listener.text.startswith("retry: ")

    async def test_hears_public_gifts_without_what_their_donors_hide(
        self, world: World, told: Campaign
    ) -> None:
        listener = await world.listen(told)
        gifts = [await make_gift(told), await make_gift(told, **SECRET)]
        await world.tell()
        _, *heard = await listener.next(3)

        assert [event.name for event in heard] == ["donation_created"] * 2
        for gift, event in zip(gifts, heard, strict=True):
            assert event.data["donation"] == donations.public_gift(gift)
            assert event.data.keys() == {"donation", "campaign"}
        assert heard[1].data["donation"]["donor_name"] is None
        assert heard[1].data["donation"]["amount"] is None
        assert heard[1].data["campaign"]["gift_count"] == 2
        assert not [secret for secret in HIDDEN if secret in listener.text]

    async def test_hears_what_is_hidden_afterwards_as_hidden(
        self, world: World, told: Campaign
    ) -> None:
        me = Scope.user((await make_user()).id, is_verified=True)
        gift = await make_gift(told)
        await world.tell()
        listener = await world.listen(told)
        await donations.change_visibility(me, gift.id, HIDE)
        await world.tell()
        _, changed = await listener.next(2)

        assert changed.name == "donation_updated"
        assert changed.data["donation"]["id"] == str(gift.id)
        assert changed.data["donation"]["donor_name"] is None
        assert changed.data["donation"]["amount"] is None

    async def test_hears_nothing_of_what_is_not_public(self, world: World) -> None:
        reviewed = await make_campaign(review_policy="manual")
        await world.tell()
        listener = await world.listen(reviewed)
        pending = await make_gift(reviewed)
        await donations.update_donation(OPERATOR, pending.id, {"message": "Later"})
        await donations.delete_donation(OPERATOR, pending.id)
        await make_gift(reviewed, OPERATOR, is_test=True)
        await campaigns.invite(OPERATOR, reviewed.id, "budi@example.org", "viewer")
        await campaigns.update_campaign(OPERATOR, reviewed.id, {"name": "The last"})
        await world.tell()
        _, heard = await listener.next(2)

        assert heard.name == "campaign_updated"
        assert heard.data["campaign"]["name"] == "The last"

    async def test_hears_of_many_at_once_those_that_are_public(
        self, world: World, told: Campaign
    ) -> None:
        listener = await world.listen(told)
        many = [
            Gift(GIFT | {"is_test": is_test}, DonationSource.API, told.id)
            for is_test in (True, False)
        ]
        await donations.give_many(OPERATOR, many)
        await world.tell()
        _, heard = await listener.next(2)

        assert heard.name == "donations_created"
        assert heard.data.keys() == {"donations", "campaign"}
        assert len(heard.data["donations"]) == 1

    async def test_hears_that_the_campaign_is_gone_and_nothing_more(
        self, world: World, told: Campaign
    ) -> None:
        listener = await world.listen(told)
        await listener.next()
        await campaigns.delete_campaign(OPERATOR, told.id)
        await world.tell()

        assert [event.name for event in await listener.rest()] == ["campaign_deleted"]
        assert (await world.listen(told)).status == 404


class TestTheTeam:
    async def test_hears_gifts_whole_but_for_addresses(self, world: World) -> None:
        reviewed = await make_campaign(review_policy="manual")
        viewer = await join(reviewed, "viewer@example.org", "viewer")
        listener = await world.listen(reviewed, **viewer)
        gift = await make_gift(reviewed, **SECRET)
        await world.tell()
        *_, heard = await listener.next(3)

        assert heard.name == "donation_created"
        assert heard.data["donation"] == donations.row(gift)
        assert GIFT["donor_email"] not in listener.text

    async def test_hears_of_itself_what_each_may_see(self, world: World, told: Campaign) -> None:
        viewer = await join(told, "viewer@example.org", "viewer")
        owner = await join(told, "owner@example.org", "owner")
        listeners = [await world.listen(told, **who) for who in (viewer, owner)]
        invited = await campaigns.invite(OPERATOR, told.id, "budi@example.org", "viewer")
        await campaigns.cancel_invitation(OPERATOR, told.id, invited.id)
        someone = await make_user("someone@example.org")
        async with db.transaction():
            await outbox.append(
                campaigns.member_changed(told.id, someone.id, CampaignRole.REVIEWER)
            )
        await world.tell()

        by_viewer, by_owner = await listeners[0].next(2), await listeners[1].next(4)
        assert [event.name for event in by_viewer] == ["campaign", "member_changed"]
        assert [event.name for event in by_owner[1:]] == [
            "member_invited",
            "invitation_cancelled",
            "member_changed",
        ]

    async def test_hears_of_a_gift_that_moves_away_only_that(self, world: World) -> None:
        ours, theirs = [await make_campaign(review_policy="manual") for _ in range(2)]
        gift = await make_gift(ours)
        await world.tell()
        owner = await join(ours, "owner@example.org", "owner")
        listener = await world.listen(ours, **owner)
        attrs = {"campaign_id": str(theirs.id), "message": "Not yours"}
        await donations.update_donation(OPERATOR, gift.id, attrs)
        await world.tell()
        _, *heard = await listener.next(3)

        moved = next(event for event in heard if event.name == "donation_moved")
        assert moved.data == {"donation": {"id": str(gift.id)}}
        assert {event.name for event in heard} == {"donation_moved", "campaign_updated"}

    async def test_is_whoever_a_token_is_of(self, world: World, told: Campaign) -> None:
        admin = await make_user("admin@example.org", role="admin")
        scope = Scope.user(admin.id, role=Role.ADMIN, is_verified=True)
        made = await accounts.create_token(scope, EVERYTHING | {"scopes": ["read"]})
        listener = await world.listen(told, token=made.secret)
        gift = await make_gift(told, **SECRET)
        await world.tell()
        _, heard = await listener.next(2)

        assert heard.data["donation"] == donations.row(gift)


class TestGoingOn:
    async def test_tells_exactly_what_followed_and_then_what_happens(
        self, world: World, told: Campaign
    ) -> None:
        listener = await world.listen(told)
        await make_gift(told)
        await world.tell()
        _, first = await listener.next(2)
        await listener.leave()
        missed = [await make_gift(told) for _ in range(3)]
        await make_gift(await make_campaign())
        await world.tell()

        again = await world.listen(told, after=first.id)
        heard = await again.next(3)
        live = await make_gift(told)
        await world.tell()
        heard += await again.next()

        assert [event.name for event in heard] == ["donation_created"] * 4
        ids = [event.data["donation"]["id"] for event in heard]
        assert ids == [str(gift.id) for gift in (*missed, live)]

    async def test_the_header_is_believed_before_the_query(
        self, world: World, told: Campaign
    ) -> None:
        before = await last_id()
        gifts = [await make_gift(told)]
        await world.tell()
        after = await last_id()
        gifts.append(await make_gift(told))
        await world.tell()

        by_query = await world.listen(told, query=f"last_event_id={before}")
        by_both = await world.listen(told, query=f"last_event_id={before}", after=after)
        assert len(await by_query.next(2)) == 2
        [heard] = await by_both.next()
        assert heard.data["donation"]["id"] == str(gifts[1].id)

    async def test_tells_everybody_nothing_that_was_hidden_or_edited_since(
        self, world: World, told: Campaign
    ) -> None:
        me = Scope.user((await make_user()).id, is_verified=True)
        await make_gift(told)  # The total of a single gift tells its amount.
        await world.tell()
        before = await last_id()
        gift = await make_gift(told, amount="47113", donor_name="Tersembunyi", message="Rude")
        await world.tell()
        await donations.change_visibility(me, gift.id, HIDE)
        await donations.update_donation(OPERATOR, gift.id, {"message": "Kind"})
        await world.tell()

        listener = await world.listen(told, after=before)
        heard = await listener.next(3)
        assert [event.name for event in heard] == ["donation_created"] + ["donation_updated"] * 2
        assert {event.data["donation"]["message"] for event in heard} == {"Kind"}
        # Nor do two totals differ by what is hidden.
        assert len({event.data["campaign"]["total_raised"] for event in heard}) == 1
        assert not [secret for secret in (*HIDDEN, "Rude") if secret in listener.text]

    async def test_tells_the_team_what_it_was(self, world: World, told: Campaign) -> None:
        viewer = await join(told, "viewer@example.org", "viewer")
        before = await last_id()
        gift = await make_gift(told, message="Rude")
        await donations.update_donation(OPERATOR, gift.id, {"message": "Kind"})
        await world.tell()

        heard = await (await world.listen(told, after=before, **viewer)).next(2)
        assert [event.data["donation"]["message"] for event in heard] == ["Rude", "Kind"]

    async def test_of_a_gift_that_is_no_longer_public_everybody_hears_nothing(
        self, world: World, told: Campaign
    ) -> None:
        before = await last_id()
        gone, kept = await make_gift(told), await make_gift(told)
        await world.tell()
        async with db.transaction() as session:
            await (await session.connection()).exec_driver_sql(
                "UPDATE donation SET status = 'rejected', counted_amount = NULL WHERE id = %s",
                (gone.id,),
            )

        [heard] = await (await world.listen(told, after=before)).next()
        assert heard.data["donation"]["id"] == str(kept.id)

    @pytest.mark.parametrize("unknown", ["99-1", "0-999999"])
    async def test_from_what_is_not_known_begins_anew(
        self, world: World, told: Campaign, unknown: str
    ) -> None:
        [first] = await (await world.listen(told, after=unknown)).next()
        assert first.name == "campaign"

    @pytest.mark.parametrize("wrong", ["x", "1", "1-", "-1-2", "1-2-3", "1" * 19 + "-1", "١-١"])
    async def test_what_is_no_id_is_refused(self, world: World, told: Campaign, wrong: str) -> None:
        listener = await world.listen(told, after=wrong)
        await listener.has_ended()
        assert listener.status == 400
        assert "Last-Event-ID" in listener.text


class TestWhoListens:
    """A stream ends when who listens is no longer who asked for it."""

    async def follow(self, world: World, campaign: Campaign, **who: str) -> Listener:
        listener = await world.listen(campaign, **who)
        await listener.next()
        return listener

    async def test_ends_with_the_session(self, world: World, told: Campaign) -> None:
        viewer = await join(told, "viewer@example.org", "viewer")
        listener = await self.follow(world, told, **viewer)
        await accounts.log_out(await scope_by(viewer))
        await world.tell()
        await listener.has_ended()

    async def test_ends_with_the_token(self, world: World, told: Campaign) -> None:
        viewer = await scope_by(await join(told, "viewer@example.org", "viewer"))
        made = await accounts.create_token(viewer, EVERYTHING)
        listener = await self.follow(world, told, token=made.secret)
        await accounts.revoke_token(viewer, made.token.id)
        await world.tell()
        await listener.has_ended()
        again = await world.listen(told, token=made.secret)
        assert again.status == 401

    async def test_ends_with_the_place_in_the_team(self, world: World, told: Campaign) -> None:
        viewer = await join(told, "viewer@example.org", "viewer")
        listener = await self.follow(world, told, **viewer)
        await campaigns.remove_member(OPERATOR, told.id, user_of(await scope_by(viewer)))
        await world.tell()
        await listener.has_ended()

    async def test_tells_nothing_more_once_rights_have_ended_without_a_word(
        self, world: World, told: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listening, "CHECK_S", 0.0)
        viewer = await join(told, "viewer@example.org", "viewer")
        listener = await self.follow(world, told, **viewer)
        async with db.transaction() as session:
            await (await session.connection()).exec_driver_sql("DELETE FROM campaign_member")
        await make_gift(told, **SECRET)
        await world.tell()
        assert await listener.rest() == []

    async def test_notices_at_the_latest_when_it_is_quiet(
        self, world: World, told: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listening, "CHECK_S", 0.0)
        monkeypatch.setattr(listening, "KEEP_ALIVE_S", 0.01)
        viewer = await join(told, "viewer@example.org", "viewer")
        listener = await self.follow(world, told, **viewer)
        async with db.transaction() as session:
            await (await session.connection()).exec_driver_sql("DELETE FROM user_session")
        await listener.has_ended()

    async def test_who_hears_what_everybody_hears_is_told_of_their_end(
        self, world: World, told: Campaign
    ) -> None:
        await make_user()
        donor = {"cookie": f"{cookies.NAME}={(await log_in()).token}"}
        listener = await self.follow(world, told, **donor)
        await accounts.log_out(await scope_by(donor))
        await world.tell()
        await listener.has_ended()

    async def test_nobody_is_asked_who_they_are_without_a_cookie(
        self, world: World, told: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listening, "CHECK_S", 0.0)
        listener = await self.follow(world, told)
        monkeypatch.setattr(listening, "caller_now", None)
        await make_gift(told)
        await world.tell()
        assert len(await listener.next()) == 1


class TestTheStream:
    async def test_says_that_it_lives_while_nothing_happens(
        self, world: World, told: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listening, "KEEP_ALIVE_S", 0.01)
        listener = await world.listen(told)
        await listener.shows(lambda: listener.text.count(": keep-alive\n\n") >= 2)

    async def test_goes_on_when_the_database_is_back(
        self, world: World, told: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listening, "PAUSE_S", 0.001)
        asked, some = 0, Follower.some

        async def away_at_first(self: Follower) -> Any:
            nonlocal asked
            asked += 1
            if asked < 3:
                raise Unavailable("The database is away.")
            return await some(self)

        monkeypatch.setattr(Follower, "some", away_at_first)
        listener = await world.listen(told)
        await make_gift(told)
        await world.tell()
        assert [event.name for event in await listener.next(2)] == ["campaign", "donation_created"]

    async def test_whoever_goes_leaves_nothing_behind(self, world: World, told: Campaign) -> None:
        viewer = await join(told, "viewer@example.org", "viewer")
        listeners = [await world.listen(told), await world.listen(told, **viewer)]
        assert (world.followers, world.streams.count) == (3, 2)
        for listener in listeners:
            await listener.leave()
        assert (world.followers, world.streams.count) == (0, 0)

    async def test_who_does_not_read_is_let_go(
        self, world: World, told: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(streams, "PATIENCE_S", 0.01)
        listener = await world.listen(told)
        listener.reads.clear()
        await make_gift(told)
        await world.tell()
        async with asyncio.timeout(PATIENCE_S):
            while world.followers:  # noqa: ASYNC110  Nothing is sent that could be waited for.
                await asyncio.sleep(0.005)
        assert world.streams.count == 1
        listener.reads.set()
        await listener.has_ended()
        assert world.streams.count == 0

    async def test_who_reads_too_slowly_is_let_go(
        self, world: World, told: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feeding, "MAX_WAITING", 3)
        listener = await world.listen(told)
        await make_gift(told)
        await world.tell()
        await listener.next(2)
        follower = world.feeds._feeds[f"campaign:{told.id}"].followers[0]
        for _ in range(2):
            await make_gift(told)
            await world.tell()
            await listener.next()
        assert follower._listens
        listener.reads.clear()
        for _ in range(6):
            await make_gift(told)
            await world.tell()
        listener.reads.set()
        heard = await listener.rest()
        again = await world.listen(told, after=listener.events[-1].id)
        assert len(heard) + len(await again.next(6 - len(heard))) == 6

    async def test_ends_when_the_worker_stops(self, world: World, told: Campaign) -> None:
        listener = await world.listen(told)
        await listener.next()
        world.streams.end()
        assert await listener.rest() == []

    async def test_is_measured_until_it_begins(self, world: World, told: Campaign) -> None:
        route = "/api/campaigns/{id}/events"
        endpoint = {"route": route, "method": "GET", "status": "2xx"}
        before = value(ENDPOINT, **endpoint), value(DISPATCH, route=route)
        world.api = telemetry.Telemetry(world.api)
        listener = await world.listen(told)
        await listener.next()
        after = value(ENDPOINT, **endpoint), value(DISPATCH, route=route)
        assert after == (before[0] + 1, before[1] + 1)
        await listener.leave()
        assert (value(ENDPOINT, **endpoint), value(DISPATCH, route=route)) == after


class TestPlaces:
    async def test_an_address_has_so_many(
        self, world: World, told: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(streams, "MOST_OF_ONE", 2)
        mine = [await world.listen(told, address=f"2001:db8::{n}") for n in range(3)]
        assert [listener.status for listener in mine] == [200, 200, 429]
        assert int(mine[2].headers["retry-after"]) > 0
        assert "ratelimit" in mine[2].headers
        assert (await world.listen(told, address="2001:db8:0:1::1")).status == 200
        await mine[0].leave()
        assert (await world.listen(told, address="2001:db8::9")).status == 200

    async def test_and_a_worker_too(
        self, world: World, told: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(streams, "MOST", 1)
        statuses = [(await world.listen(told, address=f"192.0.2.{n}")).status for n in (1, 2)]
        assert statuses == [200, 429]


class TestAsking:
    @pytest.mark.parametrize(
        ("accept", "status"),
        [
            *(("", 200), ("*/*", 200), ("text/*", 200), ("text/event-stream;q=0.5", 200)),
            *(("application/json", 406), ("text/html", 406), ("text/event-stream;q=0, */*", 406)),
        ],
    )
    async def test_events_are_told_where_they_are_accepted(
        self, world: World, told: Campaign, accept: str, status: int
    ) -> None:
        assert (await world.listen(told, accept=accept)).status == status

    async def test_head_has_the_headers_and_opens_nothing(
        self, world: World, told: Campaign
    ) -> None:
        head = await world.listen(told, method="HEAD")
        await head.has_ended()
        assert (head.status, head.text) == (200, "")
        assert head.headers["content-type"] == "text/event-stream"
        assert "content-length" not in head.headers

    async def test_is_refused_as_reading_is(self, world: World, told: Campaign) -> None:
        viewer = await scope_by(await join(told, "viewer@example.org", "viewer"))
        giving = await accounts.create_token(viewer, EVERYTHING | {"scopes": ["give"]})
        refused = [
            await world.listen("nothing"),
            await world.listen(told, token="flt_wrong"),
            await world.listen(told, token=giving.secret),
            await world.listen(told, method="POST"),
        ]
        assert [listener.status for listener in refused] == [404, 401, 403, 405]
        for listener in refused:
            assert listener.headers["content-type"] == "application/json"

    async def test_without_feeds_it_is_unavailable(self, world: World, told: Campaign) -> None:
        world.api = create_api()
        listener = await world.listen(told)
        assert listener.status == 503
        assert "retry-after" in listener.headers
