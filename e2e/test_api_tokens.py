"""API tokens: made on the site, used by a program, seen in use, and revoked."""

import re

import httpx
from playwright.async_api import Page, expect

from e2e.instance import Site
from e2e.people import PASSWORD, Account, Operator, Visitors
from financial_live import routes
from financial_live.contexts import campaigns


async def make(page: Page, name: str, *scopes: str) -> str:
    """Fill in the form, send it, and return the secret that is shown."""
    await page.fill("#name", name)
    for scope in ("read", "give", "manage"):
        await page.set_checked(f"#{scope}", scope in scopes)
    await page.click("#token-form button[type=submit]")
    await expect(page.locator("#secret code")).to_have_text(re.compile("^flt_.{43}$"))
    return await page.locator("#secret code").inner_text()


async def ask(site: Site, path: str, secret: str) -> int:
    """Ask as a program with this token would; return the status of the answer."""
    answer = await site.get(path, Authorization=f"Bearer {secret}")
    return answer.status_code


class TestTokens:
    async def test_one_is_made_used_seen_in_use_and_revoked(
        self, visitors: Visitors, manager: Account, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign(by=manager, review_policy="manual")
        waiting = await site.give(campaign.slug, amount="20", currency="USD")
        gift = routes.api_donation(waiting["id"])
        page = await visitors.open(routes.TOKENS, who=manager)
        secret = await make(page, "Night queue", "read")
        await expect(page.locator("#tokens li")).to_contain_text("Never used")

        assert (await site.get(gift)).status_code == httpx.codes.NOT_FOUND
        assert await ask(site, gift, secret) == httpx.codes.OK

        await page.reload()
        line = page.locator("#tokens li", has_text="Night queue")
        await expect(line).to_contain_text("Last used just now from 127.0.0.1")
        await expect(line).to_contain_text(f"flt_…{secret[-4:]}")
        await expect(page.locator("#secret")).to_have_count(0)
        assert secret not in await page.content()

        await line.get_by_role("button", name="Revoke").click()
        await line.get_by_role("button", name="Keep").click()
        assert await ask(site, gift, secret) == httpx.codes.OK
        await line.get_by_role("button", name="Revoke").click()
        await line.get_by_role("button", name="Revoke for good").click()
        await expect(page.locator("#tokens")).to_have_count(0)
        assert await ask(site, gift, secret) == httpx.codes.UNAUTHORIZED

    async def test_does_what_it_is_for_and_the_answer_says_what_it_lacks(
        self, visitors: Visitors, manager: Account, operator: Operator, site: Site
    ) -> None:
        campaign: campaigns.Campaign = await operator.new_campaign(by=manager)
        page = await visitors.open(routes.TOKENS, who=manager)
        secret = await make(page, "Reader", "read")
        body = {"donor_name": "Sari", "donor_email": "s@example.org", "amount": "5"}
        async with httpx.AsyncClient(base_url=site.address) as client:
            answer = await client.post(
                routes.api_campaign_donations(campaign.slug),
                json={"donation": body | {"currency": "USD"}},
                headers={"Authorization": f"Bearer {secret}"},
            )
        assert answer.status_code == httpx.codes.FORBIDDEN
        assert "'give'" in answer.json()["errors"]["detail"]

    async def test_is_copied_with_what_tries_it(
        self, visitors: Visitors, manager: Account, site: Site
    ) -> None:
        page = await visitors.open(
            routes.TOKENS, who=manager, permissions=["clipboard-read", "clipboard-write"]
        )
        secret = await make(page, "Copied", "read")
        await page.locator("#secret button").click()
        await expect(page.locator("#secret button")).to_have_text("Copied")
        assert await page.evaluate("navigator.clipboard.readText()") == secret
        example = await page.locator("#example code").inner_text()
        assert example == (
            f"curl {site.address}{routes.API_CAMPAIGNS} \\\n  -H 'Authorization: Bearer {secret}'"
        )
        await page.get_by_role("button", name="I have it").click()
        await expect(page.locator("#secret")).to_have_count(0)
        await expect(page.locator("#name")).to_have_value("")
        await make(page, "Gives only", "give")
        await expect(page.locator("#example")).to_have_count(0)

    async def test_every_error_stands_beside_its_field(
        self, visitors: Visitors, manager: Account
    ) -> None:
        page = await visitors.open(routes.TOKENS, who=manager)
        await page.set_checked("#read", checked=False)
        await page.click("#token-form button[type=submit]")
        for name in ("name", "scopes"):
            await expect(page.locator(f"#{name}-error")).not_to_be_empty()
        await expect(page.locator("#name")).to_be_focused()

    async def test_who_is_not_logged_in_is_led_there_and_back(
        self, visitors: Visitors, manager: Account
    ) -> None:
        page = await visitors.open(routes.TOKENS)
        await page.fill("#email", manager.user.email)
        await page.fill("#password", PASSWORD)
        await page.click("#login-form button[type=submit]")
        await page.wait_for_url(f"**{routes.TOKENS}")
        await expect(page.locator("#token-form")).to_be_visible()
