"""Programs that listen to a campaign: what each hears, and that it misses nothing."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
import pytest_asyncio

from e2e.faults import processes
from e2e.instance import Site, connected, start_site, stop_site
from e2e.people import Account, Operator, eventually
from financial_live import cookies, routes
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import change_visibility

WITHIN_S = 40.0


class Program:
    """A client as the standard describes it: it comes back with the id of the last event it got."""

    def __init__(self, site: Site, campaign: Campaign, *, who: Account | None = None) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.last_id = ""
        self.answers = 0
        self._address = site.address + routes.api_campaign_events(campaign.slug)
        self._headers = {"Accept": "text/event-stream"}
        if who is not None:
            self._headers["Cookie"] = f"{cookies.NAME}={who.token}"

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Program"]:
        """Listen meanwhile."""
        before = self.answers
        task = asyncio.create_task(self._listen())
        await self.hears(lambda: self.answers > before, what="an answer")
        yield self
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            # Whatever ended it, it comes back, as a browser does.
            with contextlib.suppress(httpx.TransportError):
                async with httpx.AsyncClient(timeout=None) as client:
                    await self._ask(client)
            await asyncio.sleep(0.05)

    async def _ask(self, client: httpx.AsyncClient) -> None:
        known = {"Last-Event-ID": self.last_id} if self.last_id else {}
        async with client.stream("GET", self._address, headers=self._headers | known) as answer:
            if answer.status_code != httpx.codes.OK:
                return
            self.answers += 1
            name = ""
            async for line in answer.aiter_lines():
                field, _, text = line.partition(": ")
                match field:
                    case "id":
                        self.last_id = text
                    case "event":
                        name = text
                    case "data":
                        self.events.append((name, orjson.loads(text)))

    async def hears(self, condition: Any, *, what: str) -> None:
        """Wait until something holds of what was heard."""

        async def holds() -> bool:
            return bool(condition())

        await eventually(holds, what=what, within_s=WITHIN_S)

    @property
    def gifts(self) -> list[str]:
        """The ids of the gifts that were told as given, each once."""
        given = (data["donation"]["id"] for name, data in self.events if name == "donation_created")
        return list(dict.fromkeys(given))


async def give(site: Site, campaign: Campaign, **attrs: Any) -> str:
    """Give, again and again until it is taken, and once; return the gift's id."""
    path = site.address + routes.api_campaign_donations(campaign.slug)
    gift = {"donor_name": "Sari", "donor_email": "sari@example.org", "amount": "10"}
    body = {"donation": gift | {"currency": "USD"} | attrs}
    key = {"Idempotency-Key": str(uuid4())}
    taken: list[str] = []

    async def is_taken() -> bool:
        with contextlib.suppress(httpx.TransportError):
            async with httpx.AsyncClient() as client:
                answer = await client.post(path, json=body, headers=key)
            if answer.status_code == httpx.codes.CREATED:
                taken.append(answer.json()["data"]["id"])
        return bool(taken)

    await eventually(is_taken, what="a gift is taken", within_s=WITHIN_S)
    return taken[0]


@pytest.fixture(scope="module")
def own_site(frontend: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return an instance with two workers, whose parts a test may kill."""
    folder = tmp_path_factory.mktemp("events")
    running = start_site(folder, "--workers", "2", frontend=frontend)
    yield running
    stop_site(running)


@pytest_asyncio.fixture(loop_scope="session")
async def operator(own_site: Site) -> AsyncIterator[Operator]:
    async with connected(own_site.instance["database_url"]):
        yield Operator()


@pytest_asyncio.fixture(loop_scope="session")
async def campaign(operator: Operator) -> Campaign:
    return await operator.new_campaign()


@pytest_asyncio.fixture(loop_scope="session")
async def viewer(operator: Operator, campaign: Campaign) -> Account:
    account = await operator.new_account("Vina Viewer")
    await operator.add_member(campaign, account, "viewer")
    return account


class TestListening:
    async def test_everybody_hears_what_is_public_and_the_team_the_rest(
        self, own_site: Site, operator: Operator, campaign: Campaign, viewer: Account
    ) -> None:
        everybody, team = Program(own_site, campaign), Program(own_site, campaign, who=viewer)
        donor = await operator.new_account("Dewi Donor")
        own = {"donor_email": donor.user.email, "donor_name": "Tersembunyi"}
        async with everybody.listening(), team.listening():
            open_gift = await give(own_site, campaign, **own)
            hidden = await give(own_site, campaign, **own, show_name=False, show_amount=False)
            await change_visibility(await donor.scope(), open_gift, {"show_name": False})
            for program in (everybody, team):
                await program.hears(lambda p=program: len(p.events) == 4, what="all events")

        assert [name for name, _ in everybody.events] == [
            *("campaign", "donation_created", "donation_created", "donation_updated")
        ]
        told = [data["donation"] for _, data in everybody.events[1:]]
        assert [gift["id"] for gift in told] == [open_gift, hidden, open_gift]
        assert [gift["donor_name"] for gift in told] == ["Tersembunyi", None, None]
        assert [gift["amount"] for gift in told] == ["10.00", None, "10.00"]
        whole = [data["donation"] for _, data in team.events[1:]]
        assert [gift["donor_name"] for gift in whole] == ["Tersembunyi"] * 3
        assert donor.user.email not in str([everybody.events, team.events])

    async def test_who_comes_back_is_told_exactly_what_was_missed(
        self, own_site: Site, campaign: Campaign
    ) -> None:
        program = Program(own_site, campaign)
        async with program.listening():
            heard = [await give(own_site, campaign)]
            await program.hears(lambda: program.gifts == heard, what="the first gift")
        heard += [await give(own_site, campaign) for _ in range(3)]
        before = len(program.events)
        async with program.listening():
            heard.append(await give(own_site, campaign))
            await program.hears(lambda: program.gifts == heard, what="all gifts")
        assert [name for name, _ in program.events[before:]] == ["donation_created"] * 4


class TestWhateverBreaks:
    async def test_nothing_is_lost_when_workers_and_the_bus_are_killed(
        self, own_site: Site, campaign: Campaign, viewer: Account
    ) -> None:
        programs = [Program(own_site, campaign) for _ in range(4)]
        programs += [Program(own_site, campaign, who=viewer) for _ in range(2)]
        given: list[str] = []
        async with contextlib.AsyncExitStack() as stack:
            for program in programs:
                await stack.enter_async_context(program.listening())
            for victims in (self.workers(own_site), self.bus(own_site)):
                given += [await give(own_site, campaign) for _ in range(3)]
                assert victims
                for victim in victims:
                    processes.send(signal.SIGKILL, [victim])
                    given += [await give(own_site, campaign) for _ in range(3)]
            for program in programs:
                await program.hears(lambda p=program: p.gifts == given, what="all gifts")
        assert all(program.answers > 1 for program in programs)
        assert all([name for name, _ in p.events].count("campaign") == 1 for p in programs)

    def workers(self, site: Site) -> list[int]:
        return processes.workers(site.process.pid)

    def bus(self, site: Site) -> list[int]:
        """Return the process of the instance's Valkey."""
        started = processes.descendants(site.process.pid)
        return [pid for pid in started if b"valkey-server" in _command(pid)]


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


class TestStopping:
    async def test_waits_for_no_stream(self, frontend: Path, tmp_path: Path) -> None:
        site = await asyncio.to_thread(start_site, tmp_path / "site", frontend=frontend)
        async with connected(site.instance["database_url"]):
            campaign = await Operator().new_campaign()
        program = Program(site, campaign)
        async with program.listening():
            await asyncio.to_thread(stop_site, site)
        assert program.events
        assert "graceful shutdown exceeded" not in site.log
        assert "ERROR" not in site.log
