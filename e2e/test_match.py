"""Sponsors, milestones, other currencies, hidden names and refunds: seen from both sides."""

import signal
from contextlib import suppress
from datetime import UTC, datetime

from playwright.async_api import Page, expect

from e2e.faults import processes
from e2e.instance import Site
from e2e.people import Operator, Visitors
from e2e.test_gift import fill_gift, width
from financial_live import routes
from financial_live.contexts import campaigns, donations, exchange_rates, matches
from financial_live.contexts.campaigns import Campaign

TOTAL = "#numbers .total .sr-only"
SUBMIT = "#give-form button[type=submit]"


async def start_match(operator: Operator, campaign: Campaign, **attrs: str) -> None:
    """Let a sponsor double gifts, up to $100."""
    given = {"sponsor_name": "Yayasan Harapan", "ratio": "1", "cap": "100"} | attrs
    await matches.create_challenge(operator.scope, campaign.id, given)


async def set_milestone(operator: Operator, campaign: Campaign, amount: str, label: str) -> None:
    """Set a milestone."""
    attrs = {"amount": amount, "label": label}
    await campaigns.create_milestone(operator.scope, campaign.id, attrs)


async def matched_width(page: Page) -> str:
    """Return how far the bar reaches with what sponsors added."""
    return str(
        await page.eval_on_selector(
            "#numbers .bar-match", "bar => bar.style.getPropertyValue('--reached')"
        )
    )


async def press_until(page: Page, form: str, answer: str) -> None:
    """Press a form's button as people do while a line is down: again, until it is answered."""
    for _ in range(10):
        await page.click(f"{form} button[type=submit]")
        with suppress(AssertionError):
            await expect(page.locator(answer)).to_be_visible(timeout=2000)
            return
    raise AssertionError(f"{form} was never answered")


class TestAMatch:
    async def test_moves_the_bar_and_what_is_left_in_both_windows(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        campaign = await operator.new_campaign(goal_amount="1000")
        giver = await visitors.open(routes.campaign(campaign.slug))
        watcher = await visitors.open(routes.campaign(campaign.slug))
        await expect(watcher.locator("#numbers")).to_be_visible()
        await start_match(operator, campaign)
        for page in (giver, watcher):
            await expect(page.locator("#matches")).to_contain_text(
                "Yayasan Harapan doubles every gift"
            )
            await expect(page.locator("#matches")).to_contain_text("$100 left of $100")
        await fill_gift(giver, amount="60")
        await expect(giver.locator("#with-match")).to_have_text("with the match: $120")
        await giver.click(SUBMIT)
        for page in (giver, watcher):
            await expect(page.locator(TOTAL)).to_have_text("$120")
            await expect(page.locator("#matches")).to_contain_text("$40 left of $100")
            await expect(page.locator("#parts")).to_contain_text("$60 added by sponsors")
            assert (await width(page), await matched_width(page)) == ("6%", "12%")

    async def test_ends_when_all_is_added(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign()
        await start_match(operator, campaign)
        page = await visitors.open(routes.campaign(campaign.slug))
        await expect(page.locator("#matches")).to_contain_text("$100 left of $100")
        await site.give(campaign.slug, amount="250", currency="USD")
        await expect(page.locator("#matches")).to_contain_text("has added $100, all there was.")
        await expect(page.locator(TOTAL)).to_have_text("$350")
        await page.fill("#amount", "50")
        await expect(page.locator(SUBMIT)).to_contain_text("$50")
        await expect(page.locator("#with-match")).to_have_text("")

    async def test_a_refund_lowers_the_total_and_the_match(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign()
        await start_match(operator, campaign)
        page = await visitors.open(routes.campaign(campaign.slug))
        gift = await site.give(campaign.slug, amount="80", currency="USD")
        await expect(page.locator(TOTAL)).to_have_text("$160")
        reason = {"reason": "Asked for"}
        await donations.refund(operator.scope, gift["id"], reason | {"amount": "20"})
        await expect(page.locator(TOTAL)).to_have_text("$120")
        await expect(page.locator("#matches")).to_contain_text("$40 left of $100")
        await expect(page.locator("#gifts li").first).to_contain_text("Partly refunded")
        await donations.refund(operator.scope, gift["id"], reason)
        await expect(page.locator(TOTAL)).to_have_text("$0")
        await expect(page.locator("#matches")).to_contain_text("$100 left of $100")
        await expect(page.locator("#gifts li").first).to_contain_text("Refunded")


class TestAMilestone:
    async def test_is_marked_and_told_once(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign(currency="USD")
        await set_milestone(operator, campaign, "100", "The walls stand")
        await set_milestone(operator, campaign, "900", "The roof is on")
        page = await visitors.open(routes.campaign(campaign.slug))
        first = page.locator("#milestones li").first
        await expect(first).to_contain_text("$100 to go")
        said = page.locator("#milestone-reached")
        await page.evaluate(
            """() => {
                window.told = [];
                const place = document.getElementById("milestone-reached");
                new MutationObserver(() => window.told.push(place.textContent)).observe(
                    place, {childList: true, characterData: true, subtree: true});
            }"""
        )
        await site.give(campaign.slug, amount="150", currency="USD")
        await expect(said).to_have_text("Milestone reached: The walls stand, $100")
        await expect(first).to_contain_text("Reached")
        await expect(page.locator(".bar-milestone[data-reached]")).to_have_count(1)
        await site.give(campaign.slug, amount="25", currency="USD")
        await expect(page.locator(TOTAL)).to_have_text("$175")
        assert await page.evaluate("window.told") == ["Milestone reached: The walls stand, $100"]
        late = await visitors.open(routes.campaign(campaign.slug))
        await expect(late.locator("#milestones li").first).to_contain_text("Reached")
        await expect(late.locator("#milestone-reached")).to_have_text("")


class TestAnotherCurrency:
    async def test_says_what_it_counts_as_and_shows_both_amounts(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        rate = {"base_currency": "EUR", "quote_currency": "IDR", "rate": "17000", "source": "bank"}
        today = datetime.now(UTC).date()
        await exchange_rates.set_rate(operator.scope, rate | {"as_of": today})
        campaign = await operator.new_campaign(currency="IDR", goal_amount="10000000")
        giver = await visitors.open(routes.campaign(campaign.slug))
        watcher = await visitors.open(routes.campaign(campaign.slug))
        await expect(watcher.locator("#numbers")).to_be_visible()
        await giver.click("label:has(#currency-EUR)")
        await fill_gift(giver, amount="50")
        counts = giver.locator("#conversion")
        await expect(counts).to_contain_text("counts as about Rp\u00a0850.000 at 17.000")
        await expect(counts).to_contain_text("bank")
        await giver.click(SUBMIT)
        await expect(giver.locator(".thanks")).to_contain_text("which counts as Rp\u00a0850.000")
        shown = watcher.locator("#gifts li .amount").first
        await expect(shown).to_have_text("€50 · Rp\u00a0850.000")
        await expect(watcher.locator(TOTAL)).to_have_text("Rp\u00a0850.000")

    async def test_without_a_rate_is_refused_in_words(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        campaign = await operator.new_campaign(currency="USD")
        page = await visitors.open(routes.campaign(campaign.slug))
        await fill_gift(page, amount="Rp 50.000")
        await page.click(SUBMIT)
        await expect(page.locator("#amount-error")).to_have_text(
            "Amount is in IDR, but must be in USD."
        )


class TestAHiddenName:
    async def test_is_gone_everywhere_at_once_and_comes_back(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign()
        gift = await site.give(
            campaign.slug, amount="5", currency="USD", donor_name="Rude Name", message="Rude words"
        )
        pages = [
            await visitors.open(routes.campaign(campaign.slug)),
            await visitors.open(routes.DONATIONS),
        ]
        for page in pages:
            await expect(page.locator(".gift").first).to_contain_text("Rude Name")
        await donations.hide(operator.scope, gift["id"])
        for page in pages:
            await expect(page.locator(".gift").first).to_contain_text("Anonymous")
            assert "Rude" not in await page.content()
        await donations.show(operator.scope, gift["id"])
        for page in pages:
            await expect(page.locator(".gift").first).to_contain_text("Rude words")


class TestRecording:
    async def test_one_gift_by_hand_counts_at_once(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        owner = await operator.new_account("Made Owner", role="manager")
        campaign = await operator.new_campaign(by=owner)
        watcher = await visitors.open(routes.campaign(campaign.slug))
        page = await visitors.open(routes.campaign(campaign.slug), who=owner)
        await page.get_by_role("link", name="Record gifts").click()
        await page.fill("#record-form #donor_name", "Collection box")
        await page.fill("#record-form #amount", "120.50")
        await page.fill("#record-form #given_on", "2026-11-20")
        await page.click("#record-form button[type=submit]")
        await expect(page.locator(".flash")).to_contain_text("$120.50 by Collection box: entered.")
        await expect(page.locator("#record-form #donor_name")).to_have_value("")
        await expect(watcher.locator(TOTAL)).to_have_text("$120.50")
        await expect(watcher.locator("#gifts li").first).to_contain_text("Collection box")

    async def test_a_pile_is_entered_when_it_agrees_and_keeps_what_is_typed_until_then(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        owner = await operator.new_account("Made Owner", role="manager")
        campaign = await operator.new_campaign(by=owner)
        page = await visitors.open(routes.record(campaign.slug), who=owner)
        typed = "Siti, 50, siti@example.org\nBudi\t1,000\nnobody"
        await page.fill("#lines", typed)
        await page.fill("#control_total", "1100")
        await expect(page.locator("#adds-up")).to_contain_text("2 gifts, $1,050: $50 too little")
        await page.click("#batch-form button[type=submit]")
        await expect(page.locator("#line-errors")).to_contain_text("Line 3: needs a name")
        assert await page.input_value("#lines") == typed
        await page.fill("#lines", typed.replace("nobody", "Dewi; 60"))
        await page.click("#batch-form button[type=submit]")
        await expect(page.locator("#control_total-error")).to_contain_text("$10 too much")
        assert await page.input_value("#control_total") == "1100"
        await page.fill("#control_total", "1110")
        await page.click("#batch-form button[type=submit]")
        await expect(page.locator(".flash")).to_contain_text("3 gifts, $1,110 in all: entered.")
        watcher = await visitors.open(routes.campaign(campaign.slug))
        await expect(watcher.locator(TOTAL)).to_have_text("$1,110")

    async def test_what_is_typed_stays_when_the_server_forgets_the_page(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        """A worker that is replaced knows nothing of the pages that were open."""
        visitors.forgiven = ("WebSocket", "ERR_CONNECTION")
        owner = await operator.new_account("Made Owner", role="manager")
        campaign = await operator.new_campaign(by=owner)
        record = await visitors.open(routes.record(campaign.slug), who=owner)
        await record.fill("#amount", "50")
        await record.fill("#donor_name", "Siti")
        await record.click("#record-form button[type=submit]")
        await expect(record.locator(".flash")).to_contain_text("$50 by Siti: entered.")
        await expect(record.locator("#donor_name")).to_have_value("")
        await record.fill("#donor_name", "Budi")
        await record.fill("#lines", "Dewi, 60")
        match = await visitors.open(routes.match(campaign.slug), who=owner)
        await match.fill("#milestone-form #label", "Halfway")
        await match.fill("#sponsor_name", "Sparkasse")
        victims = processes.workers(site.process.pid)
        assert victims
        processes.send(signal.SIGKILL, victims)
        await record.fill("#control_total", "70")
        await press_until(record, "#batch-form", "#control_total-error .error")
        await expect(record.locator("#control_total-error")).to_contain_text("$10 too little")
        await expect(record.locator("#donor_name")).to_have_value("Budi")
        await expect(record.locator("#lines")).to_have_value("Dewi, 60")
        await match.fill("#cap", "500")
        await press_until(match, "#match-form", "#challenges")
        await expect(match.locator("#challenges")).to_contain_text("Sparkasse")
        await expect(match.locator("#milestone-form #label")).to_have_value("Halfway")


class TestTheOwnersPage:
    async def test_starts_and_cancels_a_match_and_sets_milestones(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        owner = await operator.new_account("Made Owner", role="manager")
        campaign = await operator.new_campaign(by=owner)
        watcher = await visitors.open(routes.campaign(campaign.slug))
        page = await visitors.open(routes.match(campaign.slug), who=owner)
        await page.fill("#sponsor_name", "Sparkasse")
        await page.fill("#cap", "500")
        await page.click("#match-form button[type=submit]")
        await expect(page.locator("#challenges")).to_contain_text("Sparkasse")
        await expect(page.locator("#sponsor_name")).to_have_value("")
        await expect(watcher.locator("#matches")).to_contain_text("$500 left of $500")
        await page.fill("#milestone-form #label", "Halfway")
        await page.fill("#milestone-form #amount", "500")
        await page.click("#milestone-form button[type=submit]")
        await expect(watcher.locator("#milestones")).to_contain_text("Halfway")
        await page.get_by_role("button", name="Cancel Sparkasse").click()
        await page.get_by_role("button", name="Match no more gifts").click()
        await expect(page.locator("#challenges")).to_have_count(0)
        await expect(watcher.locator("#matches")).to_have_count(0)
        await page.get_by_role("button", name="Delete Halfway").click()
        await page.get_by_role("button", name="Delete for good").click()
        await expect(watcher.locator("#milestones")).to_have_count(0)

    async def test_is_for_the_owners_alone(self, visitors: Visitors, operator: Operator) -> None:
        campaign = await operator.new_campaign()
        stranger = await operator.new_account()
        for address in (routes.match(campaign.slug), routes.record(campaign.slug)):
            page = await visitors.open(address, who=stranger)
            await expect(page.locator("h1")).to_have_text("Nothing is here")
            nobody = await visitors.open(address)
            await nobody.wait_for_url(f"**{routes.LOGIN}?to=*")
