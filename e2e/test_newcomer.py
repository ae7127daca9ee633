"""A newcomer's first evening: from no account at all to a program whose gifts move the bar."""

import asyncio
import re
from pathlib import Path

from playwright.async_api import Page, expect

from e2e.instance import Site
from e2e.people import PASSWORD, Visitors
from e2e.printed import block_with
from e2e.test_accounts import fill_registration, is_in, log_in, mailed_link
from e2e.test_api_tokens import make
from financial_live import routes

_EMAIL = "tini@example.org"
_NAME = "Tini Hartono"
_CAMPAIGN = "A well for Wonosari"


async def register(page: Page, site: Site) -> None:
    """Get an account on the site, and prove its address by the mailed link."""
    await fill_registration(page, _EMAIL, _NAME)
    await page.goto(site.address + await mailed_link(site, _EMAIL, "Prove"))
    await page.fill("#password", PASSWORD)
    await page.click("#proof-form button[type=submit]")
    await is_in(page, _NAME)


async def become_manager(page: Page, site: Site) -> None:
    """Be made a manager by whoever runs the site, which ends the session, and log in again."""
    done = await asyncio.to_thread(site.command, "user", "role", _EMAIL, "manager")
    assert done.returncode == 0, done.stderr
    await page.goto(site.address + routes.login(to=routes.TOKENS))
    await log_in(page, _EMAIL)
    await page.wait_for_url(f"**{routes.TOKENS}")


class TestNewcomer:
    async def test_starts_a_campaign_by_the_printed_curl_and_sees_it_and_its_gift_come(
        self, visitors: Visitors, site: Site, tmp_path: Path
    ) -> None:
        environment = {"FINANCIAL_LIVE_URL": site.address}

        async def type_printed(part: str) -> str:
            """Run the block of the docs that contains ``part``; return what it prints."""
            block = block_with(part)
            done = await asyncio.to_thread(block.run, tmp_path, environment)
            assert done.returncode == 0, done.stderr
            return done.stdout

        page = await visitors.open(routes.REGISTER)
        await register(page, site)
        await page.goto(site.address + routes.CAMPAIGN_NEW)
        await expect(page.locator("#content")).to_contain_text("An admin of this site can make")
        await become_manager(page, site)
        await page.get_by_role("link", name="What it can ask for").click()
        await expect(page.locator("#create_campaign")).to_contain_text("needs a token")
        await page.get_by_role("link", name="make one").click()
        environment["FINANCIAL_LIVE_TOKEN"] = await make(page, "First steps", "manage")

        everybody = await visitors.open(routes.CAMPAIGNS)
        row = everybody.locator("tr", has_text=_CAMPAIGN)
        await expect(everybody.locator("tbody tr").first).to_be_visible()
        await expect(row).to_have_count(0)
        assert '"slug": "a-well-for-wonosari"' in await type_printed("a-well-for-wonosari-2026")
        bar = row.get_by_role("progressbar")
        await expect(bar).to_have_attribute("aria-valuenow", "0")

        assert '"approved"' in await type_printed("order-1042")
        await expect(row).to_contain_text("250.000")
        await expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^0\.[1-9]"))
