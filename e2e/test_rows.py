"""A changed row travels alone, and a page's rows are those of the database, in its order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from e2e.instance import Site
from e2e.line import line_to
from e2e.people import Account, Operator, Visitors, eventually
from financial_live import routes
from financial_live.contexts import campaigns, donations
from financial_live.contexts.donations import Donation, DonationSource, Gift
from financial_live.rooms.views import CAMPAIGN_GIFTS, GIFTS

MOST_BYTES = 300
TIMES = 5

Line = tuple[str, str, str, str]
"""What a row says: who, how much, the badge, and the message."""


async def give(campaign: campaigns.Campaign, count: int, *, first: int = 1) -> list[Donation]:
    """Give ``count`` gifts at once, of so many rupiah that each can be told from the others."""
    gifts = [
        Gift(
            {
                "donor_name": "Sari Lestari",
                "donor_email": "sari@example.org",
                "amount": 1_000_000 + first + number,
                "currency": "IDR",
            },
            DonationSource.WEB,
            campaign.id,
        )
        for number in range(count)
    ]
    taken = await donations.give_many(Operator.scope, gifts)
    return [one for one in taken if isinstance(one, Donation)]


async def in_database(
    limit: int, campaign: campaigns.Campaign | None = None, *, operator: bool = True
) -> list[Line]:
    """Return what a page should say of the last gifts."""
    scope = Operator.scope if operator else Operator.scope.visitor()
    campaign_id = campaign.id if campaign else None
    found = await donations.latest(scope, campaign_id=campaign_id, limit=limit)
    return [_line(donation) for donation in found]


def _line(donation: Donation) -> Line:
    amount = str(int(donation.amount))
    badge = "" if donation.status == "approved" else str(donation.status).capitalize()
    return donation.donor_name, amount, badge, donation.message


async def on_page(page: Page, of: str) -> list[Line]:
    """Return what the rows of the list ``of`` say, in their order."""
    lines = await page.eval_on_selector_all(
        f"{of} > li",
        """rows => rows.map(row => ["h3", ".amount", ".badge", ".note"].map(
            part => row.querySelector(part)?.textContent ?? ""))""",
    )
    return [(name, _digits(amount), badge, note) for name, amount, badge, note in lines]


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


class Watcher:
    """A page with a list of gifts, and the frames that reach it."""

    def __init__(self, page: Page, of: str, database: Callable[[], Awaitable[list[Line]]]) -> None:
        self.page, self._of, self._database = page, of, database
        self.frames: list[str] = []

    async def open(self, address: str) -> None:
        self.page.on(
            "websocket", lambda ws: ws.on("framereceived", lambda f: self.frames.append(str(f)))
        )
        await self.page.goto(address)
        await self.is_right()

    async def is_right(self) -> None:
        """Wait until the rows are those of the database; then they must be in its order."""
        truth = await self._database()

        async def has_all() -> bool:
            return sorted(await on_page(self.page, self._of)) == sorted(truth)

        await eventually(has_all, what="the rows are those of the database")
        assert await on_page(self.page, self._of) == truth

    async def cost(self, act: Callable[[int], Awaitable[Any]]) -> tuple[list[int], int]:
        """Let ``act`` happen several times.

        Returns the bytes of the frames that each took, and the most rows in one frame.
        """
        costs, rows = [], 0
        for number in range(TIMES):
            before = len(self.frames)
            await act(number)
            await self.is_right()
            frames = await self._deltas(before)
            costs.append(sum(len(frame.encode()) for frame in frames))
            rows = max(rows, *(frame.count('"at"') for frame in frames))
        return costs, rows

    async def _deltas(self, before: int) -> list[str]:
        """Return the updates since then, of which there must be one: it may be noted a bit late."""

        def deltas() -> list[str]:
            return [frame for frame in self.frames[before:] if '"delta"' in frame]

        async def is_noted() -> bool:
            return bool(deltas())

        await eventually(is_noted, what="an update is noted")
        return deltas()


@pytest_asyncio.fixture(loop_scope="session", params=["all gifts", "one campaign"])
async def watcher(
    request: pytest.FixtureRequest,
    visitors: Visitors,
    admin: Account,
    campaign: campaigns.Campaign,
    site: Site,
) -> Watcher:
    """Return an admin's full list of gifts, all of one campaign, which wait for review."""
    await give(campaign, 120)
    page = await visitors.open("/", who=admin)
    if request.param == "all gifts":
        watcher = Watcher(page, "#donations", lambda: in_database(GIFTS))
        await watcher.open(site.address + routes.DONATIONS)
    else:
        watcher = Watcher(page, "#gifts", lambda: in_database(CAMPAIGN_GIFTS, campaign))
        await watcher.open(site.address + routes.campaign(campaign.slug))
    return watcher


@pytest_asyncio.fixture(loop_scope="session")
async def campaign(operator: Operator) -> campaigns.Campaign:
    """Return a campaign whose gifts wait for review."""
    return await operator.new_campaign(
        currency="IDR", goal_amount="1000000000", review_policy="manual", max_gift="5000000"
    )


async def newest(campaign: campaigns.Campaign, place: int) -> Donation:
    """Return the gift at this place of the campaign's list, counted from 0."""
    found = await donations.latest(Operator.scope, campaign_id=campaign.id, limit=place + 1)
    return found[place]


class TestAFullList:
    async def test_takes_an_update_for_at_most_300_bytes(
        self, watcher: Watcher, campaign: campaigns.Campaign
    ) -> None:
        async def rename(number: int) -> None:
            gift = await newest(campaign, 3 * number)
            name = f"Budi Santos{number}"
            await donations.update_donation(Operator.scope, gift.id, {"donor_name": name})

        costs, rows = await watcher.cost(rename)
        assert rows == 1
        assert median(costs) <= MOST_BYTES

    async def test_takes_a_removal_for_at_most_300_bytes_with_the_row_that_takes_the_place(
        self, watcher: Watcher, campaign: campaigns.Campaign
    ) -> None:
        async def delete(number: int) -> None:
            await donations.delete_donation(Operator.scope, (await newest(campaign, 3)).id)

        costs, rows = await watcher.cost(delete)
        assert rows == 1
        assert median(costs) <= MOST_BYTES

    async def test_takes_a_gift_for_at_most_300_bytes(
        self, watcher: Watcher, campaign: campaigns.Campaign
    ) -> None:
        async def give_one(number: int) -> None:
            await give(campaign, 1, first=1000 + number)

        costs, rows = await watcher.cost(give_one)
        assert rows == 1
        assert median(costs) <= MOST_BYTES


class TestAListThatIsNotFull:
    async def test_takes_a_removal_as_one_empty_place(
        self, visitors: Visitors, admin: Account, campaign: campaigns.Campaign, site: Site
    ) -> None:
        await give(campaign, CAMPAIGN_GIFTS - 1)
        page = await visitors.open("/", who=admin)
        watcher = Watcher(page, "#gifts", lambda: in_database(CAMPAIGN_GIFTS, campaign))
        await watcher.open(site.address + routes.campaign(campaign.slug))

        async def delete(number: int) -> None:
            await donations.delete_donation(Operator.scope, (await newest(campaign, 2)).id)

        costs, rows = await watcher.cost(delete)
        assert rows == 0
        assert median(costs) <= MOST_BYTES


class TestTheListOfCampaigns:
    async def test_takes_a_gift_and_a_new_name_as_one_row_each(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign(currency="IDR", goal_amount="1000000000")
        page = await visitors.open("/")
        frames: list[str] = []
        page.on("websocket", lambda ws: ws.on("framereceived", lambda f: frames.append(str(f))))
        await page.goto(site.address + routes.CAMPAIGNS)
        row = page.locator("tr", has=page.locator(f'a[href$="/{campaign.slug}"]'))
        await expect(row).to_be_visible()
        costs: list[int] = []
        for number in range(1, 1 + TIMES):
            before = len(frames)
            await give(campaign, 1)
            await expect(row).to_contain_text(f"{number * 1_000_001 / 10_000_000:.1f}%")
            costs += _costs(frames[before:])
        for number in range(TIMES):
            before = len(frames)
            await operator.change(campaign, name=f"Night Shelte{number}")
            await expect(row).to_contain_text(f"Night Shelte{number}")
            costs += _costs(frames[before:])
        assert len(costs) == 2 * TIMES
        assert median(costs) <= MOST_BYTES


def _costs(frames: Sequence[str]) -> list[int]:
    """Return the bytes of each frame that changes a row, which must be one."""
    changing = [frame for frame in frames if '"at"' in frame]
    assert all(frame.count('"at"') == 1 for frame in changing)
    return [len(frame.encode()) for frame in changing]


class TestABurst:
    async def test_ends_with_the_rows_of_the_database_on_a_page_that_lost_its_line_in_between(
        self, visitors: Visitors, operator: Operator, admin: Account, site: Site
    ) -> None:
        visitors.forgiven = ("WebSocket", "ERR_CONNECTION_REFUSED")
        campaign = await operator.new_campaign(currency="IDR", goal_amount="1000000000")
        await give(campaign, GIFTS)
        watchers: list[Watcher] = []
        async with line_to(site.address) as line:
            for at in (site.address, line.address):
                page = await visitors.open("/", at=at, who=admin)
                gifts = Watcher(page, "#donations", lambda: in_database(GIFTS))
                own = Watcher(
                    await visitors.open("/"),
                    "#gifts",
                    lambda: in_database(CAMPAIGN_GIFTS, campaign, operator=False),
                )
                await gifts.open(at + routes.DONATIONS)
                await own.open(at + routes.campaign(campaign.slug))
                watchers += [gifts, own]
            await asyncio.gather(*(give(campaign, 10, first=10 * n) for n in range(10)))
            await line.cut()
            await asyncio.gather(*(give(campaign, 10, first=10 * n) for n in range(10, 15)))
            await line.mend()
            await asyncio.gather(*(give(campaign, 10, first=10 * n) for n in range(15, 20)))
            for watcher in watchers:
                await watcher.is_right()
