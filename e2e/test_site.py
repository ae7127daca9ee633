"""The site as a whole: addresses, sizes, and what a page tells those who cannot see it."""

import pytest
from playwright.async_api import expect

from e2e.instance import Site
from e2e.people import Account, Operator, Visitors
from financial_live import routes

PATHS = (routes.HOME, routes.CAMPAIGNS, routes.CAMPAIGN_NEW, routes.DONATIONS)
ENTRANCES = (
    *(routes.LOGIN, routes.REGISTER, routes.VERIFY, routes.FORGOT, routes.RESET, routes.WELCOME),
    *(routes.ACCOUNT, routes.INVITATION),
)


class TestAddresses:
    @pytest.mark.parametrize(
        "path", [*PATHS, *ENTRANCES, routes.campaign("build-mosque"), routes.team("build-mosque")]
    )
    async def test_each_page_answers(self, site: Site, path: str) -> None:
        answer = await site.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")

    async def test_an_unknown_one_is_a_real_404(self, site: Site, visitors: Visitors) -> None:
        assert (await site.get("/no/such/page")).status_code == 404
        visitors.forgiven = ("404",)
        page = await visitors.open("/no/such/page")
        await expect(page.locator("h1")).to_have_text("Nothing is here")


class TestPolicy:
    async def test_no_page_may_run_a_script_that_the_build_did_not_write(
        self, site: Site, visitors: Visitors
    ) -> None:
        policy = (await site.get(routes.HOME)).headers["content-security-policy"]
        assert "unsafe-eval" not in policy
        assert "script-src 'self' 'sha256-" in policy
        visitors.forgiven = ("Content Security Policy",)
        page = await visitors.open(routes.HOME)
        await expect(page.locator(".nav")).to_contain_text("Log in")
        await page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.ran = true";
                document.body.append(script);
            }"""
        )
        assert not await page.evaluate("window.ran")
        assert any("script-src" in complaint for complaint in visitors.complaints)


class TestLayout:
    @pytest.mark.parametrize("width", [360, 390, 768, 1280, 1920, 3840])
    async def test_nothing_scrolls_sideways(
        self, visitors: Visitors, site: Site, operator: Operator, admin: Account, width: int
    ) -> None:
        campaign = await operator.new_campaign(
            name="Long" * 30, currency="IDR", goal_amount="9999999999999"
        )
        await site.give(
            campaign.slug,
            amount="1234567890123",
            currency="IDR",
            donor_name="W" * 160,
            message="m" * 500,
        )
        size = {"width": width, "height": 800}
        page = await visitors.open(routes.campaign(campaign.slug), who=admin, viewport=size)
        await expect(page.locator("#gifts li")).to_have_count(1)
        for path in (None, *PATHS, *ENTRANCES, routes.team(campaign.slug)):
            if path is not None:
                await page.goto(site.address + path)
                await expect(page.locator(".ghost")).to_have_count(0)
            widest = await page.evaluate("document.documentElement.scrollWidth")
            assert widest <= width, path


class TestTheme:
    async def test_the_switch_is_remembered(self, visitors: Visitors) -> None:
        page = await visitors.open(routes.HOME, color_scheme="light")
        await page.get_by_role("button", name="Switch between light and dark").click()
        await expect(page.locator("html")).to_have_class("dark")
        await page.reload()
        await expect(page.locator("html")).to_have_class("dark")
