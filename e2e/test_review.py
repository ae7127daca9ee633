"""The desk of reviewers: two of them at one queue, their acts on gifts, and their ways about it."""

import asyncio
import re
from typing import Any

import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from e2e.instance import Site
from e2e.people import Account, Operator, Visitors, eventually
from financial_live import routes
from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign

# What somebody else does is seen within a second and a little.
SOON_MS = 5_000


@pytest_asyncio.fixture
async def sari(operator: Operator) -> Account:
    return await operator.new_account("Sari Lestari")


@pytest_asyncio.fixture
async def budi(operator: Operator) -> Account:
    return await operator.new_account("Budi Santoso")


@pytest_asyncio.fixture
async def queue(operator: Operator, sari: Account, budi: Account) -> Campaign:
    """Return a campaign that Sari and Budi review, in which large gifts need both."""
    campaign = await operator.new_campaign(
        name="Flood Relief", review_policy="manual", dual_approval_from="500"
    )
    await operator.add_member(campaign, sari, "owner")
    await operator.add_member(campaign, budi, "reviewer")
    return campaign


async def give(site: Site, campaign: Campaign, *names: str, **gift: Any) -> None:
    for name in names:
        await site.give(
            campaign.slug, **{"donor_name": name, "amount": "50", "currency": "USD"} | gift
        )


def row(page: Page, name: str) -> Locator:
    return page.locator("#queue > li", has_text=name)


async def has_rows(page: Page, *names: str) -> None:
    """Wait until the list shows the gifts of these people, in this order."""
    await expect(page.locator("#queue .row-name")).to_have_text([*names], timeout=SOON_MS)


async def open_gift(page: Page, name: str) -> None:
    await row(page, name).locator("a").click()
    await expect(page.locator("#gift-title")).to_contain_text(name)


async def focused(page: Page) -> str:
    """Return whose row has the focus."""
    found = await page.evaluate(
        "document.activeElement.closest('[data-row]')?.querySelector('.row-name').textContent ?? ''"
    )
    return str(found)


class TestTheQueue:
    async def test_is_live_for_both_and_moves_nothing_that_is_open_or_focused(
        self, visitors: Visitors, site: Site, queue: Campaign, sari: Account, budi: Account
    ) -> None:
        await give(site, queue, "Ana", "Citra", "Dewi")
        one = await visitors.open(routes.REVIEW, who=sari)
        two = await visitors.open(routes.REVIEW, who=budi)
        await has_rows(one, "Ana", "Citra", "Dewi")
        await open_gift(one, "Citra")
        await one.fill("#reason", "I still think")
        await row(two, "Dewi").locator("a").focus()

        await give(site, queue, "Eka")
        await has_rows(two, "Ana", "Citra", "Dewi", "Eka")
        await row(one, "Ana").locator("input").check()
        await two.bring_to_front()
        await row(two, "Dewi").locator("a").focus()
        await two.keyboard.press("a")
        await has_rows(one, "Ana", "Citra", "Eka")

        assert await focused(two) == "Eka"
        assert await one.input_value("#reason") == "I still think"
        await expect(one.locator("#gift-title")).to_contain_text("Citra")
        await expect(row(one, "Ana").locator("input")).to_be_checked()
        await expect(one.locator(".nav-count")).to_have_text(re.compile("^3"))

    async def test_shows_what_somebody_else_did_to_the_open_gift(
        self, visitors: Visitors, site: Site, queue: Campaign, sari: Account, budi: Account
    ) -> None:
        await give(site, queue, "Ana")
        one = await visitors.open(routes.REVIEW, who=sari)
        await open_gift(one, "Ana")
        two = await visitors.open(routes.REVIEW, who=budi)
        await open_gift(two, "Ana")
        await two.get_by_role("button", name="Approve $50").click()

        await expect(one.locator("#gift .badge")).to_have_text("Approved", timeout=SOON_MS)
        await expect(one.locator("#history")).to_contain_text("Budi Santoso approved it")
        await expect(one.locator(".empty")).to_contain_text("Nothing waits.")

    async def test_tells_who_reviews_nothing_what_to_do_and_strangers_to_log_in(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        page = await visitors.open(routes.REVIEW, who=await operator.new_account("Dewi Donor"))
        await expect(page.locator(".empty")).to_contain_text("You review no gifts yet.")
        await expect(page.locator(".nav")).not_to_contain_text("Review")
        stranger = await visitors.open(f"{routes.REVIEW}?order=newest")
        await stranger.wait_for_url(f"**{routes.login(to=routes.review(order='newest'))}")


class TestActs:
    async def test_of_two_who_approve_at_once_one_is_told_who_was_first(
        self, visitors: Visitors, site: Site, queue: Campaign, sari: Account, budi: Account
    ) -> None:
        await give(site, queue, "Ana", "Citra")
        pages = [await visitors.open(routes.REVIEW, who=one) for one in (sari, budi)]
        for page in pages:
            await open_gift(page, "Ana")
        await asyncio.gather(
            *[page.get_by_role("button", name="Approve $50").click() for page in pages]
        )
        first: list[Page] = []
        second: list[Page] = []
        for page in pages:
            await expect(page.locator("#gift .badge")).to_have_text("Approved", timeout=SOON_MS)
            is_told = await page.locator("#gift > .error").count()
            (second if is_told else first).append(page)
        assert (len(first), len(second)) == (1, 1)
        name = sari.user.name if first == [pages[0]] else budi.user.name
        refusal = second[0].locator("#gift > .error")
        await expect(refusal).to_contain_text(f"{name} approved it just now, before you.")
        # Its row stays where it was, with what became of it and why nothing was done again.
        await expect(row(second[0], "Ana")).to_contain_text(f"{name} approved it")
        await expect(row(second[0], "Ana").locator(".badge")).to_have_text("Approved")
        await has_rows(first[0], "Citra")
        assert (await site.campaign(queue.slug))["total_raised"] == "50.00"

    async def test_undo_brings_a_gift_back_as_it_was(
        self, visitors: Visitors, site: Site, queue: Campaign, sari: Account
    ) -> None:
        await give(site, queue, "Ana", "Citra")
        page = await visitors.open(routes.REVIEW, who=sari)
        await open_gift(page, "Ana")
        await page.get_by_role("button", name="Approve $50").click()
        await expect(page.locator(".undo")).to_contain_text("Approved $50 from Ana")
        await has_rows(page, "Citra")
        await page.locator(".undo").get_by_role("button", name="Undo").click()
        await has_rows(page, "Ana", "Citra")
        await expect(page.locator(".undo")).to_have_count(0)
        await expect(page.locator("#gift .badge")).to_have_text("Pending")
        assert (await site.campaign(queue.slug))["total_raised"] == "0.00"

    async def test_a_large_gift_counts_when_two_people_have_approved_it(
        self, visitors: Visitors, site: Site, queue: Campaign, sari: Account, budi: Account
    ) -> None:
        await give(site, queue, "Ana", amount="500")
        one = await visitors.open(routes.REVIEW, who=sari)
        await open_gift(one, "Ana")
        await one.get_by_role("button", name="Approve $500").click()
        await expect(one.locator(".two-people")).to_have_text(
            "You have approved it; another person must too."
        )
        await expect(row(one, "Ana")).to_contain_text("1 of 2: you approved")
        await expect(one.get_by_role("button", name="Approve $500")).to_have_count(0)

        two = await visitors.open(f"{routes.REVIEW}?second=1", who=budi)
        await open_gift(two, "Ana")
        await expect(two.locator(".two-people")).to_contain_text("Sari Lestari has approved it")
        assert (await site.campaign(queue.slug))["total_raised"] == "0.00"
        await two.get_by_role("button", name="Approve $500").click()
        await expect(one.locator("#gift .badge")).to_have_text("Approved", timeout=SOON_MS)
        assert (await site.campaign(queue.slug))["total_raised"] == "500.00"

    async def test_a_rejection_needs_a_reason_and_keeps_what_was_typed(
        self, visitors: Visitors, site: Site, queue: Campaign, sari: Account
    ) -> None:
        await give(site, queue, "Ana")
        page = await visitors.open(routes.REVIEW, who=sari)
        await open_gift(page, "Ana")
        await page.get_by_role("button", name="Reject $50").click()
        await expect(page.locator("#reason-error")).to_have_text("Reason can't be blank.")
        await expect(page.locator("#reason")).to_be_focused()
        await page.fill("#reason", "x" * 501)
        await page.get_by_role("button", name="Reject $50").click()
        await expect(page.locator("#reason-error")).to_contain_text("500")
        assert await page.input_value("#reason") == "x" * 501
        await page.fill("#reason", "Not a gift")
        await page.get_by_role("button", name="Reject $50").click()
        await expect(page.locator("#gift .badge")).to_have_text("Rejected")
        await expect(page.locator("#history")).to_contain_text("Not a gift")
        await expect(page.locator(".empty")).to_contain_text("Nothing waits.")

    async def test_a_gift_is_refunded_in_part_and_then_whole(
        self, visitors: Visitors, site: Site, queue: Campaign, sari: Account, operator: Operator
    ) -> None:
        await give(site, queue, "Ana")
        [gift] = (await donations.list_donations(operator.scope, campaign_id=queue.id)).items
        await donations.approve(operator.scope, gift.id)
        page = await visitors.open(routes.review(status="approved", gift=str(gift.id)), who=sari)
        await page.get_by_text("Refund it").click()
        await page.fill("#refund-amount", "1.5.5")
        await page.fill("#refund-reason", "Given twice")
        await page.get_by_role("button", name="Refund", exact=True).click()
        await expect(page.locator("#refund-amount-error")).not_to_be_empty()
        assert await page.input_value("#refund-reason") == "Given twice"
        await page.fill("#refund-amount", "20")
        await page.get_by_role("button", name="Refund", exact=True).click()
        await expect(page.locator(".facts")).to_contain_text("$20; left: $30")
        await page.get_by_text("Refund it").click()
        await page.fill("#refund-reason", "All of it")
        await page.get_by_role("button", name="Refund", exact=True).click()
        await expect(page.locator("#gift .badge")).to_have_text("Refunded")
        assert (await site.campaign(queue.slug))["total_raised"] == "0.00"

    async def test_what_is_hidden_is_hidden_from_everybody_and_shown_again(
        self, visitors: Visitors, site: Site, queue: Campaign, sari: Account, operator: Operator
    ) -> None:
        await give(site, queue, "Rude Name")
        [gift] = (await donations.list_donations(operator.scope, campaign_id=queue.id)).items
        await donations.approve(operator.scope, gift.id)
        public = await visitors.open(routes.campaign(queue.slug))
        await public.wait_for_selector(".gift")
        await expect(public.locator(".gift")).to_contain_text("Rude Name")
        page = await visitors.open(routes.review(status="approved", gift=str(gift.id)), who=sari)
        await page.get_by_role("button", name="Hide name and message").click()
        await expect(public.locator(".gift")).to_contain_text("Anonymous")
        await expect(row(page, "Rude Name")).to_contain_text("Hidden")
        await page.get_by_role("button", name="Show name and message").click()
        await expect(public.locator(".gift")).to_contain_text("Rude Name")

    async def test_many_at_once_have_an_outcome_each(
        self,
        visitors: Visitors,
        site: Site,
        queue: Campaign,
        sari: Account,
        operator: Operator,
    ) -> None:
        await give(site, queue, "Ana", "Citra", "Eka")
        await give(site, queue, "Large", amount="900")
        scope = await sari.scope()
        large = (await donations.review_queue(scope, order="largest")).items[0]
        await donations.approve(scope, large.id)
        page = await visitors.open(routes.REVIEW, who=sari)
        await has_rows(page, "Ana", "Citra", "Eka", "Large")
        for name in ("Ana", "Citra", "Large"):
            await row(page, name).locator("input").check()
        await page.get_by_role("button", name="Approve 3 gifts").click()
        outcomes = page.locator("#outcomes li")
        await expect(outcomes).to_have_text(
            [
                re.compile(r"Ana \$50approved"),
                re.compile(r"Citra \$50approved"),
                re.compile(r"Large \$900You have approved this gift already"),
            ]
        )
        await has_rows(page, "Eka", "Large")
        await expect(page.locator(".undo")).to_contain_text("Approved 2 gifts")
        await expect(page.get_by_role("button", name="Approve 1 gift")).to_be_visible()

        await row(page, "Eka").locator("input").check()
        await page.get_by_role("button", name="Reject…").click()
        await page.get_by_role("button", name="Reject 2 gifts").click()
        await expect(page.locator(".chosen-problem")).to_have_text("Reason can't be blank.")
        await page.fill("#reason-of-all", "Not gifts")
        await page.keyboard.press("Enter")
        await expect(page.locator(".empty")).to_contain_text("Nothing waits.")
        await expect(outcomes).to_have_count(2)
        assert (await site.campaign(queue.slug))["total_raised"] == "100.00"


class TestTheAddress:
    async def test_says_what_is_asked_for_and_back_and_forward_go_along(
        self, visitors: Visitors, site: Site, queue: Campaign, sari: Account, operator: Operator
    ) -> None:
        other = await operator.new_campaign(name="Other", review_policy="manual")
        await operator.add_member(other, sari, "reviewer")
        await give(site, queue, "Ana", amount="20")
        await give(site, queue, "Citra", amount="70")
        await give(site, other, "Eka", amount="40")
        page = await visitors.open(routes.REVIEW, who=sari)
        await has_rows(page, "Ana", "Citra", "Eka")
        await page.select_option("#filter-order", "largest")
        await has_rows(page, "Citra", "Eka", "Ana")
        await page.select_option("#filter-campaign", queue.slug)
        await has_rows(page, "Citra", "Ana")
        await page.fill("#least", "50")
        await page.keyboard.press("Enter")
        await has_rows(page, "Citra")
        await open_gift(page, "Citra")
        shared = page.url
        assert "least=50" in shared

        await page.go_back()
        await expect(page.locator("#gift-title")).to_have_count(0)
        await page.go_back()
        await has_rows(page, "Citra", "Ana")
        await page.go_back()
        await has_rows(page, "Citra", "Eka", "Ana")
        await page.go_forward()
        await has_rows(page, "Citra", "Ana")

        copy = await visitors.open(shared.removeprefix(site.address), who=sari)
        await has_rows(copy, "Citra")
        await expect(copy.locator("#gift-title")).to_contain_text("Citra")
        await expect(copy.locator("#filter-order")).to_have_value("largest")

    async def test_shows_nobody_a_gift_that_they_do_not_review(
        self, visitors: Visitors, site: Site, queue: Campaign, sari: Account, operator: Operator
    ) -> None:
        other = await operator.new_campaign(name="Other")
        await give(site, other, "Secret Donor", donor_email="secret@example.org")
        [gift] = (await donations.list_donations(operator.scope, campaign_id=other.id)).items
        page = await visitors.open(routes.review(gift=str(gift.id)), who=sari)
        await expect(page.locator("#gift")).to_contain_text("it is not yours to review")
        assert "secret@example.org" not in await page.content()

    async def test_on_a_phone_a_gift_is_a_screen_of_its_own_with_a_way_back(
        self, visitors: Visitors, site: Site, queue: Campaign, sari: Account
    ) -> None:
        await give(site, queue, "Ana", "Citra")
        page = await visitors.open(
            routes.REVIEW, who=sari, viewport={"width": 390, "height": 844}, has_touch=True
        )
        await open_gift(page, "Citra")
        await expect(page.locator("#queue")).to_be_hidden()
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width == 390
        await page.get_by_role("link", name="Back to the list").click()
        await has_rows(page, "Ana", "Citra")
        await expect(page.locator("#gift")).to_be_hidden()


class TestKeys:
    async def test_all_is_done_without_a_mouse(
        self, visitors: Visitors, site: Site, queue: Campaign, sari: Account
    ) -> None:
        await give(site, queue, "Ana", "Citra", "Dewi", "Eka", "Fitri")
        page = await visitors.open(routes.REVIEW, who=sari)
        await has_rows(page, "Ana", "Citra", "Dewi", "Eka", "Fitri")
        keys = page.keyboard
        await keys.press("j")
        await keys.press("j")
        assert await focused(page) == "Citra"
        await keys.press("k")
        await keys.press("a")
        await has_rows(page, "Citra", "Dewi", "Eka", "Fitri")
        assert await focused(page) == "Citra"
        await keys.press("u")
        await has_rows(page, "Ana", "Citra", "Dewi", "Eka", "Fitri")

        await keys.press("r")
        await expect(page.locator("#reason")).to_be_focused()
        await keys.type("a j x")  # Typed, and none of these is a key now.
        await keys.press("Enter")
        await has_rows(page, "Ana", "Dewi", "Eka", "Fitri")
        await expect(page.locator("#history")).to_contain_text("a j x")
        await keys.press("Escape")
        await expect(page.locator("#gift-title")).to_have_count(0)

        await row(page, "Dewi").locator("a").focus()
        await keys.press("Enter")
        await expect(page.locator("#gift")).to_be_focused()
        await keys.press("j")
        await expect(page.locator("#gift-title")).to_contain_text("Eka")
        await keys.press("h")
        await expect(row(page, "Eka")).to_contain_text("Hidden")
        await keys.press("h")
        await expect(row(page, "Eka")).not_to_contain_text("Hidden")

        await keys.press("x")
        await keys.press("j")
        await keys.press("Shift+X")
        await expect(page.get_by_role("button", name="Approve 2 gifts")).to_be_visible()
        await keys.press("?")
        await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        await keys.press("a")  # Under the sheet nothing is done.
        await keys.press("Escape")
        await expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
        await has_rows(page, "Ana", "Dewi", "Eka", "Fitri")


class TestMembership:
    async def test_who_is_taken_out_of_the_team_sees_nothing_more(
        self, visitors: Visitors, site: Site, queue: Campaign, budi: Account, operator: Operator
    ) -> None:
        await give(site, queue, "Ana", donor_email="ana@example.org")
        page = await visitors.open(routes.REVIEW, who=budi)
        await open_gift(page, "Ana")
        await campaigns.remove_member(operator.scope, queue.id, budi.user.id)

        async def is_gone() -> bool:
            return "ana@example.org" not in await page.content()

        await eventually(is_gone, what="the gift is gone from the page")
        await expect(page.locator(".empty")).to_contain_text("You review no gifts yet.")
