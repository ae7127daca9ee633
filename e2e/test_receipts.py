"""Receipts, and that one's account follows what happens to it elsewhere."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from e2e.instance import Site
from e2e.people import Account, Operator, Visitors
from financial_live import routes
from financial_live.contexts import accounts, campaigns, donations
from financial_live.contexts.campaigns import Campaign

# A page reads again at most once a second; then it shows what has moved.
SOON_MS = 4_000


@pytest.fixture
async def donor(operator: Operator) -> Account:
    """Return somebody who gives with the address of their account."""
    return await operator.new_account("Rina Wati")


@pytest.fixture
async def campaign(operator: Operator) -> Campaign:
    """Return a campaign in rupiah, whose gifts count at once."""
    return await operator.new_campaign(name="Build a School", currency="IDR")


async def give(site: Site, campaign: Campaign, donor: Account, **gift: object) -> str:
    """Give with somebody's address, where they are not logged in; return the gift's id."""
    given = {"donor_name": "Rina W.", "donor_email": donor.user.email, "currency": "IDR"}
    return str((await site.give(campaign.slug, **given | {"amount": "50000"} | gift))["id"])


async def open_receipt(page: Page) -> str:
    """Press "Receipt" and return the text of the paper."""
    await page.get_by_role("button", name="Receipt for").click()
    await page.wait_for_url("**/receipts/*")
    return await page.locator("#receipt").inner_text()


class TestReceipt:
    async def test_is_one_press_away_and_stays_as_it_was_issued(
        self, visitors: Visitors, operator: Operator, site: Site, campaign: Campaign, donor: Account
    ) -> None:
        await give(site, campaign, donor, amount="1250000", show_name=False, show_amount=False)
        page = await visitors.open(routes.ACCOUNT, who=donor)
        paper = await open_receipt(page)
        for said in ("Rp 1.250.000", "IDR", "Rina W.", "Build a School", "Receipt number"):
            assert said in paper.replace("\xa0", " ")
        await operator.change(campaign, name="Build Two Schools")
        again = await visitors.open(routes.ACCOUNT, who=donor)
        await expect(again.locator("#own-gifts")).to_contain_text("Build Two Schools")
        assert await open_receipt(again) == paper
        await again.reload()
        await expect(again.locator("#receipt")).to_contain_text("Build a School")

    async def test_on_paper_there_is_nothing_but_the_receipt(
        self, visitors: Visitors, site: Site, campaign: Campaign, donor: Account, tmp_path: Path
    ) -> None:
        await give(site, campaign, donor)
        page = await visitors.open(routes.ACCOUNT, who=donor, color_scheme="dark")
        await open_receipt(page)
        await page.evaluate("window.print = () => (window.printed = true)")
        await page.get_by_role("button", name="Print").click()
        assert await page.evaluate("window.printed")
        await page.emulate_media(media="print")
        for gone in (".masthead", ".footer", ".paper-ways"):
            await expect(page.locator(gone)).to_be_hidden()
        paint = "e => [getComputedStyle(e).color, getComputedStyle(document.body).backgroundColor]"
        ink = await page.locator("#receipt dd").first.evaluate(paint)
        assert ink == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
        pdf = await page.pdf(prefer_css_page_size=True)
        assert pdf.count(b"/Type /Page\n") == 1

    async def test_is_nobody_elses(
        self,
        visitors: Visitors,
        operator: Operator,
        site: Site,
        campaign: Campaign,
        donor: Account,
    ) -> None:
        await give(site, campaign, donor)
        page = await visitors.open(routes.ACCOUNT, who=donor)
        await open_receipt(page)
        path = page.url.removeprefix(site.address)
        other = await visitors.open(path, who=await operator.new_account("Other Person"))
        await expect(other.locator("h1")).to_have_text("Nothing is here")
        await other.goto(site.address + routes.receipt("2026-000001"))
        await expect(other.locator("h1")).to_have_text("Nothing is here")
        nobody = await visitors.open(path)
        await nobody.wait_for_url(f"**{routes.LOGIN}?to=*")

    async def test_there_is_none_of_a_gift_that_waits(
        self, visitors: Visitors, operator: Operator, site: Site, donor: Account
    ) -> None:
        manual = await operator.new_campaign(currency="IDR", review_policy="manual")
        await give(site, manual, donor)
        page = await visitors.open(routes.ACCOUNT, who=donor)
        await expect(page.locator("#own-gifts .badge")).to_have_text("Pending")
        await expect(page.get_by_role("button", name="Receipt for")).to_have_count(0)


class TestAnOpenAccount:
    async def test_shows_a_gift_given_elsewhere_and_what_another_tab_hides(
        self, visitors: Visitors, site: Site, campaign: Campaign, donor: Account
    ) -> None:
        page = await visitors.open(routes.ACCOUNT, who=donor)
        await expect(page.locator(".empty")).to_contain_text(donor.user.email)
        await page.fill("#current", "being typed")
        gift_id = await give(site, campaign, donor)
        rows = page.locator("#own-gifts li")
        await expect(rows).to_have_count(1, timeout=SOON_MS)
        other = await visitors.open(routes.ACCOUNT, who=donor)
        await other.get_by_label("Show my name").click()
        await expect(page.get_by_label("Show my name")).not_to_be_checked(timeout=SOON_MS)
        await donations.update_donation(
            Operator.scope, gift_id, {"donor_email": "else@example.org"}
        )
        await expect(rows).to_have_count(0, timeout=SOON_MS)
        assert await page.input_value("#current") == "being typed"

    async def test_shows_where_one_logs_in_and_no_longer_is(
        self, visitors: Visitors, operator: Operator, donor: Account
    ) -> None:
        page = await visitors.open(routes.ACCOUNT, who=donor)
        await expect(page.locator("#sessions li")).to_have_count(1)
        there = await operator.log_in(donor.user, agent="Mozilla/5.0 (Windows) Firefox/140.0")
        await expect(page.locator("#sessions")).to_contain_text("Firefox", timeout=SOON_MS)
        await accounts.log_out(await there.scope())
        await expect(page.locator("#sessions li")).to_have_count(1, timeout=SOON_MS)

    async def test_nobody_is_poked_by_what_is_not_theirs(
        self, visitors: Visitors, operator: Operator, site: Site, campaign: Campaign, donor: Account
    ) -> None:
        page = await visitors.open(routes.ACCOUNT, who=await operator.new_account("Somebody Else"))
        frames: list[str] = []
        page.on("websocket", lambda line: line.on("framesent", lambda f: frames.append(str(f))))
        await page.reload()
        await expect(page.locator("#sessions li")).to_have_count(1)
        mine = await visitors.open(routes.ACCOUNT, who=donor)
        await give(site, campaign, donor)
        await expect(mine.locator("#own-gifts li")).to_have_count(1, timeout=SOON_MS)
        assert frames
        assert [one for one in frames if "account_page.move" in one] == []


class TestAnOpenTeam:
    async def test_shows_who_joins_who_is_invited_and_what_is_taken_back(
        self, visitors: Visitors, operator: Operator, manager: Account
    ) -> None:
        campaign = await operator.new_campaign(by=manager)
        page = await visitors.open(routes.team(campaign.slug), who=manager)
        await expect(page.locator("#members li")).to_have_count(1)
        scope = await manager.scope()
        await page.fill("#email", "being typed")
        newcomer = await operator.new_account("Nyoman Newcomer")
        invited = await campaigns.invite(scope, campaign.id, newcomer.user.email, "viewer")
        other = await campaigns.invite(scope, campaign.id, "soon@example.org", "viewer")
        invitations = page.locator("#invitations li")
        await expect(invitations).to_have_count(2, timeout=SOON_MS)
        _, token = await campaigns.issue_invitation(Operator.scope, invited.id)
        await campaigns.accept_invitation(await newcomer.scope(), token)
        await expect(page.locator("#members")).to_contain_text("Nyoman", timeout=SOON_MS)
        await campaigns.cancel_invitation(scope, campaign.id, other.id)
        await expect(invitations).to_have_count(0, timeout=SOON_MS)
        assert await page.input_value("#email") == "being typed"
