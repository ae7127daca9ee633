"""A gift given anywhere moves the bar everywhere: seen from both sides."""

import pytest
from playwright.async_api import Page, expect

from e2e.instance import Site
from e2e.line import line_to
from e2e.people import Operator, Visitors, eventually
from financial_live import routes


async def fill_gift(page: Page, **typed: str) -> None:
    """Type a gift into the form of a campaign's page."""
    for name, text in ({"donor_name": "Sari", "donor_email": "s@example.org"} | typed).items():
        await page.fill(f"#{name}", text)


async def width(page: Page) -> str:
    """Return how far the bar reaches, of its whole length."""
    return str(
        await page.eval_on_selector(
            "#numbers .bar-fill", "bar => bar.style.getPropertyValue('--reached')"
        )
    )


async def statistic(page: Page, label: str) -> str:
    """Return a value of the statistics."""
    value = page.locator(".stats div", has_text=label).locator("dd")
    return str(await value.evaluate("dd => dd.textContent"))


class TestAGiftInOneBrowser:
    async def test_shows_in_the_other_as_bar_total_row_and_statistics(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        campaign = await operator.new_campaign(goal_amount="1000")
        giver = await visitors.open(routes.campaign(campaign.slug))
        watcher = await visitors.open(routes.campaign(campaign.slug))
        await expect(watcher.locator("#numbers .total .sr-only")).to_have_text("$0")
        await fill_gift(giver, amount="250,50", donor_name="نور الهدى")
        await giver.click("#give-form button[type=submit]")

        await expect(watcher.locator("#numbers .total .sr-only")).to_have_text("$250.50")
        await expect(watcher.locator("#gifts li h3").first).to_have_text("نور الهدى")
        await expect(watcher.locator("#gifts li .amount").first).to_have_text("$250.50")
        assert await width(watcher) == "25%"
        assert await statistic(watcher, "Total raised") == "$250.50"
        assert await statistic(watcher, "Progress") == "25%"
        assert await statistic(watcher, "Gifts") == "1"
        assert await statistic(watcher, "Largest gift") == "$250.50"
        await expect(giver.locator(".thanks")).to_contain_text("Thank you, نور الهدى")
        await expect(giver.locator("#numbers .total .sr-only")).to_have_text("$250.50")

    async def test_moves_the_list_the_first_page_and_the_gifts(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign(name="Night of Lights")
        home = await visitors.open(routes.HOME)
        table = await visitors.open(routes.CAMPAIGNS)
        gifts = await visitors.open(routes.DONATIONS)
        row = table.locator("tr", has_text="Night of Lights")
        await expect(row).to_be_visible()
        await expect(home.locator("article", has_text="Night of Lights")).to_contain_text("$0")
        await site.give(campaign.slug, amount="125", currency="USD", donor_name="Budi Santoso")

        await expect(row).to_contain_text("12.5%")
        await expect(home.locator("article", has_text="Night of Lights")).to_contain_text("$125")
        newest = gifts.locator("#donations li").first
        await expect(newest).to_contain_text("Budi Santoso")
        await expect(newest).to_contain_text("Night of Lights")


class TestAGiftElsewhere:
    async def test_arrives_as_one_row_however_long_the_list(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign()
        for number in range(25):
            await site.give(campaign.slug, amount=str(number + 1), currency="USD")
        frames: list[str] = []
        page = await visitors.open("/")
        page.on("websocket", lambda ws: ws.on("framereceived", lambda f: frames.append(str(f))))
        await page.goto(site.address + routes.campaign(campaign.slug))
        await expect(page.locator("#gifts li")).to_have_count(20)
        before = len(frames)
        await site.give(campaign.slug, amount="99", currency="USD", donor_name="Newest")
        await expect(page.locator("#gifts li h3").first).to_have_text("Newest")
        await expect(page.locator("#gifts li")).to_have_count(20)
        [frame] = [f for f in frames[before:] if "Newest" in f]
        assert frame.count('"at"') == 1

    @pytest.mark.parametrize("path", ["campaign", "gifts"])
    async def test_costs_at_most_300_bytes(
        self, visitors: Visitors, operator: Operator, site: Site, path: str
    ) -> None:
        campaign = await operator.new_campaign(currency="IDR", goal_amount="1000000000")
        for _ in range(3):  # A gift that is the largest so far costs 25 bytes more.
            await site.give(campaign.slug, amount="5000000", currency="IDR")
        frames: list[str] = []
        page = await visitors.open("/")
        page.on("websocket", lambda ws: ws.on("framereceived", lambda f: frames.append(str(f))))
        where = routes.campaign(campaign.slug) if path == "campaign" else routes.DONATIONS
        await page.goto(site.address + where)
        await expect(page.locator(".gift").nth(2)).to_be_visible()
        before = len(frames)
        await site.give(campaign.slug, amount="1250000", currency="IDR", donor_name="Sari Lestari")
        await expect(page.locator(".gift").first).to_contain_text("1.250.000")
        [frame] = [f for f in frames[before:] if "1250000" in f]
        assert len(frame.encode()) <= 300

    async def test_keeps_a_hidden_name_and_amount_out_of_every_frame(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign()
        frames: list[str] = []
        page = await visitors.open("/")
        page.on("websocket", lambda ws: ws.on("framereceived", lambda f: frames.append(str(f))))
        await page.goto(site.address + routes.campaign(campaign.slug))
        await expect(page.locator("#numbers")).to_be_visible()
        await site.give(
            campaign.slug,
            amount="40",
            currency="USD",
            donor_name="Hidden Person",
            donor_email="hidden@example.org",
            show_name=False,
            show_amount=False,
        )
        await expect(page.locator("#gifts li h3").first).to_have_text("Anonymous")
        await expect(page.locator("#gifts li").first).to_contain_text("Amount hidden")
        assert not any("Hidden Person" in f or "hidden@" in f for f in frames)


class TestAChangeOfTheCampaign:
    async def test_shows_on_every_open_page(self, visitors: Visitors, operator: Operator) -> None:
        campaign = await operator.new_campaign(name="Before")
        page = await visitors.open(routes.campaign(campaign.slug))
        table = await visitors.open(routes.CAMPAIGNS)
        await expect(page.locator("h1")).to_have_text("Before")
        await operator.change(campaign, name="After", goal_amount="2000", status="paused")
        await expect(page.locator("h1")).to_have_text("After")
        await expect(page.locator("#give")).to_contain_text("Giving is paused")
        await expect(table.locator("tr", has_text="After")).to_contain_text("$2,000")
        await operator.change(campaign, status="active")
        await expect(page.locator("#give-form")).to_be_visible()

    async def test_a_new_one_appears_and_a_deleted_one_goes(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        table = await visitors.open(routes.CAMPAIGNS)
        await expect(table.locator("table")).to_be_visible()
        campaign = await operator.new_campaign(name="Short Lived")
        row = table.locator("tr", has_text="Short Lived")
        await expect(row).to_be_visible()
        page = await visitors.open(routes.campaign(campaign.slug))
        await expect(page.locator("h1")).to_have_text("Short Lived")
        await operator.delete(campaign)
        await expect(row).to_have_count(0)
        await expect(page.locator("h1")).to_have_text("Nothing is here")


class TestStatistics:
    async def test_refresh_reads_again_and_says_when(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        campaign = await operator.new_campaign()
        page = await visitors.open(routes.campaign(campaign.slug))
        await expect(page.locator("#numbers")).to_be_visible()
        await operator.rename_without_a_word(campaign, "Renamed in Silence")
        await page.get_by_role("button", name="Refresh").click()
        await expect(page.get_by_text("Checked")).to_be_visible()
        await expect(page.locator("h1")).to_have_text("Renamed in Silence")


class TestAPlainGet:
    async def test_subscribes_to_nothing(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign()
        path = routes.campaign(campaign.slug)
        await site.get(path)
        assert f"campaign:{campaign.id}" not in await site.watched_topics()
        await visitors.open(path)

        async def is_watched() -> bool:
            return f"campaign:{campaign.id}" in await site.watched_topics()

        await eventually(is_watched, what="the open page is followed")


class TestReturning:
    async def test_a_page_left_and_entered_again_is_right(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        first = await operator.new_campaign(name="First One")
        second = await operator.new_campaign(name="Second One")
        page = await visitors.open(routes.campaign(first.slug))
        await expect(page.locator("h1")).to_have_text("First One")
        await page.goto(site.address + routes.campaign(second.slug))
        await expect(page.locator("h1")).to_have_text("Second One")
        await site.give(first.slug, amount="11", currency="USD")
        await page.go_back()
        await expect(page.locator("h1")).to_have_text("First One")
        await expect(page.locator("#numbers .total .sr-only")).to_have_text("$11")

    async def test_a_page_whose_line_was_cut_says_so_and_is_right_when_it_returns(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign()
        visitors.forgiven = ("WebSocket", "ERR_CONNECTION_REFUSED")
        async with line_to(site.address) as line:
            page = await visitors.open(routes.campaign(campaign.slug), at=line.address)
            await expect(page.locator("#numbers")).to_be_visible()
            await fill_gift(page, amount="12", donor_name="Half Typed")
            await line.cut()
            await expect(page.locator(".stale-line")).to_contain_text("Reconnecting, as of")
            await site.give(campaign.slug, amount="33", currency="USD")
            await expect(page.locator("#numbers .total .sr-only")).to_have_text("$0")
            await line.mend()
            await expect(page.locator("#numbers .total .sr-only")).to_have_text("$33")
            await expect(page.locator(".stale-line")).to_have_text("")
            assert await page.input_value("#donor_name") == "Half Typed"

    async def test_a_page_that_was_asleep_is_right_when_it_wakes(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign()
        visitors.forgiven = ("WebSocket",)
        async with line_to(site.address) as line:
            page = await visitors.open(routes.campaign(campaign.slug), at=line.address)
            await expect(page.locator("#numbers")).to_be_visible()
            line.freeze()
            for amount in range(1, 31):
                await site.give(campaign.slug, amount=str(amount), currency="USD")
            await line.mend()
            await expect(page.locator("#numbers .total .sr-only")).to_have_text("$465")
            await expect(page.locator("#gifts li .amount").first).to_have_text("$30")
            await expect(page.locator("#gifts li")).to_have_count(20)
