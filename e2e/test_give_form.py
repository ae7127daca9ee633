"""Giving: in under a minute, once, understood as it was meant; and refused in clear words."""

from playwright.async_api import Page, expect

from e2e.instance import Site
from e2e.people import Account, Operator, Visitors
from financial_live import routes

SUBMIT = "#give-form button[type=submit]"


async def type_gift(page: Page, **typed: str) -> None:
    for name, text in typed.items():
        await page.fill(f"#{name}", text)


class TestAmount:
    async def test_is_shown_back_as_it_is_understood(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        campaign = await operator.new_campaign(currency="IDR", goal_amount="100000000")
        page = await visitors.open(routes.campaign(campaign.slug))
        for typed in ("1.000.000", "1,000,000", "1 000 000", "Rp 1.000.000"):
            await page.fill("#amount", "")
            await page.fill("#amount", typed)
            await expect(page.locator("#amount-hint")).to_have_text("You give Rp\u00a01.000.000")
        await expect(page.locator(SUBMIT)).to_contain_text("Rp\u00a01.000.000")

    async def test_what_could_mean_two_things_is_refused_with_a_hint(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        campaign = await operator.new_campaign(currency="IDR", goal_amount="100000000")
        page = await visitors.open(routes.campaign(campaign.slug))
        await page.fill("#amount", "1jt")
        await expect(page.locator("#amount-hint")).to_contain_text("1.000.000")
        await page.click(SUBMIT)
        await expect(page.locator("#amount-error")).to_contain_text("1.000.000")
        assert await page.input_value("#amount") == "1jt"

    async def test_a_suggested_one_is_one_click(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        campaign = await operator.new_campaign()
        page = await visitors.open(routes.campaign(campaign.slug))
        await page.get_by_role("button", name="$100").click()
        await expect(page.locator("#amount")).to_have_value("100")
        await expect(page.locator(SUBMIT)).to_contain_text("$100")


class TestRefusal:
    async def test_names_every_wrong_field_and_keeps_what_was_typed(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        campaign = await operator.new_campaign(max_gift="500")
        page = await visitors.open(routes.campaign(campaign.slug))
        await page.click(SUBMIT)
        await expect(page.locator("#amount-error")).to_have_text("Amount can't be blank.")
        await expect(page.locator("#donor_name-error")).to_have_text("Name can't be blank.")
        await expect(page.locator("#donor_email-error")).to_have_text("E-mail can't be blank.")
        await expect(page.locator("#amount")).to_be_focused()
        await type_gift(page, amount="501", donor_name="Sari", donor_email="no address")
        await page.click(SUBMIT)
        await expect(page.locator("#amount-error")).to_contain_text("$500")
        await expect(page.locator("#donor_email-error")).to_have_text("E-mail is invalid.")
        await expect(page.locator("#donor_name-error")).to_have_text("")
        assert await page.input_value("#donor_email") == "no address"
        await type_gift(page, amount="500", donor_email="sari@example.org")
        await page.click(SUBMIT)
        await expect(page.locator(".thanks")).to_contain_text("$500")

    async def test_a_second_gift_where_one_is_allowed_does_not_say_who_gave(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign(one_gift_per_donor=True)
        await site.give(
            campaign.slug, amount="5", currency="USD", donor_name="First", donor_email="a@b.org"
        )
        page = await visitors.open(routes.campaign(campaign.slug))
        await type_gift(page, amount="7", donor_name="Other", donor_email="A@B.org")
        await page.click(SUBMIT)
        await expect(page.locator("#donor_email-error")).to_have_text(
            "E-mail has already been taken."
        )


class TestOnce:
    async def test_a_double_click_is_one_gift(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign()
        page = await visitors.open(routes.campaign(campaign.slug))
        await type_gift(page, amount="20", donor_name="Sari", donor_email="s@example.org")
        await page.locator(SUBMIT).dblclick()
        await expect(page.locator(".thanks")).to_be_visible()
        await page.get_by_role("button", name="Give again").click()
        await type_gift(page, amount="30", donor_name="Sari", donor_email="s@example.org")
        await page.click(SUBMIT)
        await expect(page.locator("#numbers .total .sr-only")).to_have_text("$50")
        assert (await site.campaign(campaign.slug))["gift_count"] == 2


class TestReview:
    async def test_a_gift_that_waits_is_thanked_for_and_not_counted(
        self, visitors: Visitors, operator: Operator, admin: Account
    ) -> None:
        campaign = await operator.new_campaign(review_policy="manual")
        page = await visitors.open(routes.campaign(campaign.slug), who=admin)
        await type_gift(page, amount="20", donor_name="Sari", donor_email="s@example.org")
        await page.click(SUBMIT)
        await expect(page.locator(".thanks")).to_contain_text("reviewed")
        await expect(page.locator("#gifts .badge")).to_have_text("Pending")
        await expect(page.locator("#numbers .total .sr-only")).to_have_text("$0")


class TestAnonymity:
    async def test_name_and_amount_may_be_hidden_and_a_message_shown(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        campaign = await operator.new_campaign()
        page = await visitors.open(routes.campaign(campaign.slug))
        await type_gift(page, amount="20", donor_name="Sari", donor_email="s@example.org")
        await page.get_by_text("Add a message").click()
        await page.fill("#message", "<b>Semoga</b> berkah")
        await page.check("#hide_name")
        await page.check("#hide_amount")
        await page.click(SUBMIT)
        row = page.locator("#gifts li").first
        await expect(row).to_contain_text("Anonymous")
        await expect(row).to_contain_text("Amount hidden")
        await expect(row.locator(".note")).to_have_text("<b>Semoga</b> berkah")
