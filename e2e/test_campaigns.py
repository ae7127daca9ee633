"""Campaigns: started, listed a page at a time, and deleted where nothing was given."""

from playwright.async_api import expect

from e2e.instance import Site
from e2e.people import Account, Operator, Visitors
from financial_live import routes


class TestNew:
    async def test_an_idr_goal_is_understood_and_the_campaign_opens(
        self, visitors: Visitors, manager: Account, site: Site
    ) -> None:
        page = await visitors.open(routes.CAMPAIGN_NEW, who=manager)
        await page.fill("#name", "Sumur untuk Semua")
        await page.fill("#goal_amount", "25.000.000")
        await expect(page.locator("#goal_amount-hint")).to_have_text(
            "Understood as Rp\u00a025.000.000"
        )
        await page.click("button[type=submit]")
        await page.wait_for_url("**/campaigns/sumur-untuk-semua")
        await expect(page.locator("h1")).to_have_text("Sumur untuk Semua")
        await expect(page.locator(".flash")).to_contain_text("is live")
        assert (await site.campaign("sumur-untuk-semua"))["goal_amount"] == "25000000.00"

    async def test_every_error_stands_beside_its_field_and_nothing_typed_is_lost(
        self, visitors: Visitors, manager: Account
    ) -> None:
        page = await visitors.open(routes.CAMPAIGN_NEW, who=manager)
        await page.fill("#goal_amount", "many")
        await page.fill("#description", "A long story")
        await page.get_by_text("More settings").click()
        await page.fill("#slug", "new")
        await page.click("button[type=submit]")
        await expect(page.locator("#name-error")).to_have_text("Name can't be blank.")
        await expect(page.locator("#goal_amount-error")).to_contain_text("Goal")
        await expect(page.locator("#slug-error")).to_have_text("Address is reserved.")
        await expect(page.locator("#name")).to_be_focused()
        assert await page.input_value("#goal_amount") == "many"
        assert await page.input_value("#description") == "A long story"
        assert await page.input_value("#slug") == "new"

    async def test_the_goal_is_read_as_the_chosen_currency_writes_it(
        self, visitors: Visitors, manager: Account
    ) -> None:
        page = await visitors.open(routes.CAMPAIGN_NEW, who=manager)
        await page.fill("#goal_amount", "50.000")
        await expect(page.locator("#goal_amount-hint")).to_have_text("Understood as Rp\u00a050.000")
        await page.get_by_text("Dollar").click()
        await expect(page.locator("#goal_amount-hint")).not_to_contain_text("Rp")

    async def test_is_for_managers_who_are_shown_where_to_log_in(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        page = await visitors.open(routes.CAMPAIGN_NEW)
        await page.locator("#content").get_by_role("link", name="Log in").click()
        await page.wait_for_url(f"**{routes.LOGIN}?to=*")
        donor = await visitors.open(routes.CAMPAIGN_NEW, who=await operator.new_account())
        await expect(donor.locator("#content")).to_contain_text("An admin of this site can make")
        await expect(donor.locator("#campaign-form")).to_have_count(0)


class TestShow:
    async def test_an_id_leads_to_the_slug(self, visitors: Visitors, operator: Operator) -> None:
        campaign = await operator.new_campaign(name="Found by Id")
        page = await visitors.open(routes.campaign(str(campaign.id)))
        await page.wait_for_url(f"**{routes.campaign(campaign.slug)}")
        await expect(page.locator("h1")).to_have_text("Found by Id")

    async def test_an_unknown_one_says_so(self, visitors: Visitors, site: Site) -> None:
        assert (await site.get(routes.campaign("never-was"))).status_code == 404
        assert (await site.get(routes.campaign("build-mosque"))).status_code == 200
        visitors.forgiven = ("404",)
        page = await visitors.open(routes.campaign("never-was"))
        await expect(page.locator("h1")).to_have_text("Nothing is here")


class TestDelete:
    async def test_done_or_why_not(
        self, visitors: Visitors, operator: Operator, manager: Account, site: Site
    ) -> None:
        empty = await operator.new_campaign(by=manager, name="Nobody Gave")
        given = await operator.new_campaign(by=manager, name="Somebody Gave")
        await site.give(given.slug, amount="5", currency="USD")
        page = await visitors.open(routes.CAMPAIGNS, who=manager)
        for name in ("Nobody Gave", "Somebody Gave"):
            row = page.locator("tr", has_text=name)
            await row.get_by_role("button", name="Delete").click()
            await row.get_by_role("button", name="Delete for good").click()
            if name == "Nobody Gave":
                await expect(page.locator(".flash")).to_contain_text("is deleted")
        await expect(page.locator(".flash")).to_contain_text("it has gifts")
        await expect(page.locator("tr", has_text="Nobody Gave")).to_have_count(0)
        await expect(page.locator("tr", has_text="Somebody Gave")).to_have_count(1)
        assert (await site.get(routes.api_campaign(empty.slug))).status_code == 404

    async def test_is_offered_for_the_own_campaigns_and_to_admins_for_all(
        self, visitors: Visitors, operator: Operator, manager: Account, admin: Account
    ) -> None:
        await operator.new_campaign(by=manager, name="Mine to Delete")
        await operator.new_campaign(name="Not Mine")
        for who, offered in (
            (admin, {"Mine to Delete": 1, "Not Mine": 1}),
            (manager, {"Mine to Delete": 1, "Not Mine": 0}),
            (None, {"Mine to Delete": 0, "Not Mine": 0}),
        ):
            page = await visitors.open(routes.CAMPAIGNS, who=who)
            await expect(page.locator("tr", has_text="Not Mine")).to_have_count(1)
            if who is None:
                await page.wait_for_load_state("networkidle")
            for campaign, times in offered.items():
                button = page.get_by_role("button", name=f"Delete {campaign}")
                await expect(button).to_have_count(times)


class TestPages:
    async def test_the_address_says_which_page(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        for number in range(21):
            await operator.new_campaign(name=f"Number {number}", status="closed")
        page = await visitors.open(routes.CAMPAIGNS)
        await expect(page.locator("tbody tr")).to_have_count(20)
        await page.get_by_role("link", name="Older").click()
        await page.wait_for_url("**/campaigns?page=2")
        await expect(page.locator(".pager")).to_contain_text("Page 2 of")
        await page.go_back()
        await expect(page.locator(".pager")).to_contain_text("Page 1 of")

    async def test_a_page_beyond_the_last_leads_back(self, visitors: Visitors) -> None:
        page = await visitors.open(f"{routes.CAMPAIGNS}?page=999")
        await expect(page.get_by_role("link", name="Go to the first page")).to_be_visible()
