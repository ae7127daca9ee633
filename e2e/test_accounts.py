"""Accounts: getting one, getting in and out, and what others' doing means for an open page."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from e2e.instance import Site, start_site, stop_site
from e2e.people import PASSWORD, Account, Operator, Visitors, eventually
from financial_live import cookies, routes
from financial_live.contexts import campaigns, mail

_LINK = re.compile(r"https?://\S+#\S+")
# Within so many seconds a page has lost what its visitor has lost.
SOON_MS = 3_000


async def mailed_link(site: Site, to: str, about: str) -> str:
    """Return the link of the newest mail to an address whose subject says ``about``."""
    found: list[mail.MailFile] = []

    async def has_come() -> bool:
        every = await mail.files(Operator.scope, site.data_dir / "mail")
        found[:] = [one for one in every if one.to == to and about in one.subject]
        return bool(found)

    await eventually(has_come, what=f"a mail about {about!r} came to {to}")
    return link_in(found[0].text)


def link_in(text: str) -> str:
    """Return the path and the secret of the one link in a text."""
    (link,) = (urlsplit(found) for found in _LINK.findall(text))
    return f"{link.path}#{link.fragment}"


async def log_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fill in the form to log in, and send it."""
    await page.fill("#email", email)
    await page.fill("#password", password)
    await page.click("#login-form button[type=submit]")


async def is_in(page: Page, name: str) -> None:
    """Wait until the page is that of somebody's own account."""
    await page.wait_for_url(f"**{routes.ACCOUNT}")
    await expect(page.locator("h1")).to_have_text(name)


async def fill_registration(page: Page, email: str, name: str = "Siti Aminah") -> None:
    """Fill in the form to get an account, and send it."""
    await page.fill("#name", name)
    await page.fill("#email", email)
    await page.fill("#password", PASSWORD)
    await page.click("#registration-form button[type=submit]")


@pytest.fixture
def own_site() -> Iterator[Site]:
    """Return an instance of the story's own, on which nobody has an account.

    It builds its pages, as everybody's first start does.
    """
    folder = Path(tempfile.mkdtemp(prefix="financial-live-first-"))
    running = start_site(folder)
    yield running
    stop_site(running)
    shutil.rmtree(folder, ignore_errors=True)


class TestTheFirstAdmin:
    async def test_is_made_by_the_link_that_the_first_start_prints_once(
        self, browser: Browser, own_site: Site
    ) -> None:
        visitors = Visitors(browser, own_site)
        link = link_in(own_site.log)
        page = await visitors.open(link)
        await page.fill("#name", "Ayu Admin")
        await page.fill("#email", "ayu@example.org")
        await page.fill("#password", "short")
        await page.click("button[type=submit]")
        await expect(page.locator("#password-error")).to_contain_text("Password")
        assert await page.input_value("#name") == "Ayu Admin"
        await page.fill("#password", PASSWORD)
        await page.click("button[type=submit]")
        await page.wait_for_url(f"**{routes.CAMPAIGNS}")
        await expect(page.get_by_role("link", name="New campaign")).to_be_visible()
        await page.goto(own_site.address + routes.ACCOUNT)
        await expect(page.locator("#sessions li")).to_have_count(1)

        late = await visitors.open(link)
        await late.fill("#name", "Late")
        await late.fill("#email", "late@example.org")
        await late.fill("#password", PASSWORD)
        await late.click("button[type=submit]")
        await expect(late.locator("#welcome-form .error")).to_be_visible()
        await visitors.leave()
        assert visitors.unforgiven() == []


class TestRegister:
    async def test_the_address_is_proven_by_the_mailed_link_and_one_is_in(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        page = await visitors.open(routes.REGISTER)
        await fill_registration(page, "siti@example.org")
        await expect(page.locator(".thanks")).to_contain_text("siti@example.org")
        await page.goto(site.address + await mailed_link(site, "siti@example.org", "Prove"))
        await page.fill("#password", "not what was chosen")
        await page.click("#proof-form button[type=submit]")
        await expect(page.locator("#proof-form .error")).to_be_visible()
        await page.fill("#password", PASSWORD)
        await page.click("#proof-form button[type=submit]")
        await is_in(page, "Siti Aminah")
        await expect(page.locator(".nav")).to_contain_text("Account")

    async def test_every_error_stands_beside_its_field_and_nothing_typed_is_lost(
        self, visitors: Visitors
    ) -> None:
        page = await visitors.open(routes.REGISTER)
        await page.fill("#email", "no address")
        await page.click("#registration-form button[type=submit]")
        for field in ("name", "email", "password"):
            await expect(page.locator(f"#{field}-error")).not_to_be_empty()
        await expect(page.locator("#name")).to_be_focused()
        assert await page.input_value("#email") == "no address"


class TestLogIn:
    async def test_a_wrong_password_says_so_and_the_right_one_leads_where_one_wanted(
        self, visitors: Visitors, manager: Account
    ) -> None:
        page = await visitors.open(routes.login(to=routes.CAMPAIGN_NEW))
        await log_in(page, manager.user.email, "something else")
        await expect(page.locator("#login-form .error")).to_be_visible()
        assert await page.input_value("#email") == manager.user.email
        await log_in(page, manager.user.email)
        await page.wait_for_url(f"**{routes.CAMPAIGN_NEW}")
        await expect(page.locator("#campaign-form")).to_be_visible()

    @pytest.mark.parametrize("to", ["https://example.org", "//example.org", "/\\example.org"])
    async def test_leads_to_no_other_site(
        self, visitors: Visitors, manager: Account, to: str
    ) -> None:
        page = await visitors.open(routes.login(to=to))
        await log_in(page, manager.user.email)
        await is_in(page, manager.user.name)


class TestAForgottenPassword:
    async def test_is_replaced_by_the_mailed_link_which_ends_what_was_open(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        account = await operator.new_account("Budi Santoso")
        open_page = await visitors.open(routes.ACCOUNT, who=account)
        await is_in(open_page, "Budi Santoso")
        page = await visitors.open(routes.FORGOT)
        await page.fill("#email", account.user.email)
        await page.click("#forgotten-form button[type=submit]")
        await expect(page.locator(".thanks")).to_contain_text(account.user.email)
        link = await mailed_link(site, account.user.email, "Choose a new password")
        await page.goto(site.address + link)
        await page.fill("#password", "a quite new sentence")
        await page.click("#reset-form button[type=submit]")
        await is_in(page, "Budi Santoso")
        await open_page.wait_for_url(f"**{routes.LOGIN}?to=*", timeout=SOON_MS)
        again = await visitors.open(routes.LOGIN)
        await log_in(again, account.user.email)
        await expect(again.locator("#login-form .error")).to_be_visible()
        await log_in(again, account.user.email, "a quite new sentence")
        await is_in(again, "Budi Santoso")


class TestSessions:
    async def test_one_that_is_ended_elsewhere_is_logged_out_on_its_open_page(
        self, visitors: Visitors, operator: Operator
    ) -> None:
        here = await operator.new_account("Dewi Lestari")
        there = await operator.log_in(here.user, agent="Mozilla/5.0 (Windows) Firefox/140.0")
        elsewhere = await visitors.open(routes.ACCOUNT, who=there)
        await is_in(elsewhere, "Dewi Lestari")
        page = await visitors.open(routes.ACCOUNT, who=here)
        line = page.locator("#sessions li", has_text="Firefox, Windows")
        await line.get_by_role("button", name="Log out").click()
        await elsewhere.wait_for_url(f"**{routes.LOGIN}?to=*", timeout=SOON_MS)
        await expect(elsewhere.locator(".nav")).to_contain_text("Log in")
        await expect(page.locator("#sessions li")).to_have_count(1)
        await expect(page.locator("h1")).to_have_text("Dewi Lestari")

    async def test_logging_out_ends_it_and_forgets_the_cookie(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        page = await visitors.open(routes.ACCOUNT, who=await operator.new_account())
        await page.click("#logout")
        await page.wait_for_url(site.address + routes.HOME)
        await expect(page.locator(".nav")).to_contain_text("Log in")
        assert cookies.NAME not in [one["name"] for one in await page.context.cookies()]
        await page.goto(site.address + routes.ACCOUNT)
        await page.wait_for_url(f"**{routes.LOGIN}?to=*")


@pytest.fixture
async def campaign(operator: Operator, manager: Account) -> campaigns.Campaign:
    """Return a campaign that the manager owns, whose gifts wait for review."""
    return await operator.new_campaign(by=manager, name="Our Team", review_policy="manual")


class TestInvitation:
    async def test_a_colleague_without_an_account_registers_and_joins(
        self, visitors: Visitors, manager: Account, campaign: campaigns.Campaign, site: Site
    ) -> None:
        owner = await visitors.open(routes.campaign(campaign.slug), who=manager)
        await owner.get_by_role("link", name="Team").click()
        await expect(owner.locator("#members li")).to_have_count(1)
        await owner.fill("#email", "kadek@example.org")
        await owner.get_by_label("Reviewer").check()
        await owner.click("#invite-form button[type=submit]")
        await expect(owner.locator("#invitations li")).to_contain_text("kadek@example.org")
        await expect(owner.locator("#email")).to_have_value("")

        link = await mailed_link(site, "kadek@example.org", "invited")
        colleague = await visitors.open(link)
        await colleague.get_by_role("link", name="Get one").click()
        await fill_registration(colleague, "kadek@example.org", "Kadek Putra")
        await expect(colleague.locator(".thanks")).to_be_visible()
        await colleague.goto(site.address + await mailed_link(site, "kadek@example.org", "Prove"))
        await colleague.fill("#password", PASSWORD)
        await colleague.click("#proof-form button[type=submit]")
        await colleague.wait_for_url(f"**{routes.INVITATION}#*")
        await colleague.click("#invitation-form button[type=submit]")
        await colleague.wait_for_url(f"**{routes.campaign(campaign.slug)}")
        await colleague.get_by_role("link", name="Team").click()
        await expect(colleague.locator("#members li")).to_have_count(2)
        await expect(colleague.locator("#members li", has_text="(you)")).to_contain_text("Reviewer")
        await expect(colleague.locator("#invite-form")).to_have_count(0)

    async def test_one_for_another_address_says_so_and_is_kept_while_one_logs_out_and_in(
        self,
        visitors: Visitors,
        operator: Operator,
        campaign: campaigns.Campaign,
        manager: Account,
        site: Site,
    ) -> None:
        invited = await operator.new_account("Wayan Invited")
        other = await operator.new_account("Other Person")
        await campaigns.invite(await manager.scope(), campaign.id, invited.user.email, "viewer")
        link = await mailed_link(site, invited.user.email, "invited")
        page = await visitors.open(link, who=other)
        await page.click("#invitation-form button[type=submit]")
        await expect(page.locator("#invitation-form .error")).to_contain_text("another address")
        await page.click("#logout")
        await page.get_by_role("link", name="Log in to join").click()
        await log_in(page, invited.user.email)
        await page.wait_for_url(f"**{routes.INVITATION}#*")
        await page.click("#invitation-form button[type=submit]")
        await page.wait_for_url(f"**{routes.campaign(campaign.slug)}")


class TestTeam:
    async def test_is_shown_to_its_members_and_to_admins_alone(
        self,
        visitors: Visitors,
        operator: Operator,
        admin: Account,
        campaign: campaigns.Campaign,
    ) -> None:
        viewer = await operator.new_account("Vera Viewer")
        await operator.add_member(campaign, viewer, "viewer")
        address = routes.team(campaign.slug)
        for who in (viewer, admin):
            page = await visitors.open(address, who=who)
            await expect(page.locator("#members li")).to_have_count(2)
        page = await visitors.open(address, who=await operator.new_account("Some Donor"))
        await expect(page.locator("h1")).to_have_text("Nothing is here")
        page = await visitors.open(address)
        await page.wait_for_url(f"**{routes.LOGIN}?to=*")
        await log_in(page, viewer.user.email)
        await page.wait_for_url(f"**{address}")
        await expect(page.locator("#members li")).to_have_count(2)

    async def test_a_wrong_invitation_says_so_beside_its_field_and_keeps_what_was_typed(
        self, visitors: Visitors, manager: Account, campaign: campaigns.Campaign
    ) -> None:
        page = await visitors.open(routes.team(campaign.slug), who=manager)
        for typed, said in (("no address", "E-mail"), (manager.user.email, "in the team already")):
            await page.fill("#email", typed)
            await page.get_by_label("Owner").check()
            await page.click("#invite-form button[type=submit]")
            await expect(page.locator("#email-error")).to_contain_text(said)
            assert await page.input_value("#email") == typed
            await expect(page.get_by_label("Owner")).to_be_checked()

    async def test_an_invitation_is_taken_back(
        self, visitors: Visitors, manager: Account, campaign: campaigns.Campaign
    ) -> None:
        await campaigns.invite(await manager.scope(), campaign.id, "soon@example.org", "viewer")
        page = await visitors.open(routes.team(campaign.slug), who=manager)
        await page.get_by_role("button", name="Take back").click()
        await expect(page.locator("#invitations")).to_have_count(0)
        assert not await campaigns.list_invitations(await manager.scope(), campaign.id)

    async def test_the_last_owner_is_told_why_they_stay(
        self, visitors: Visitors, manager: Account, campaign: campaigns.Campaign
    ) -> None:
        page = await visitors.open(routes.team(campaign.slug), who=manager)
        await page.get_by_role("button", name="Leave").click()
        await page.get_by_role("button", name="Leave the team").click()
        await expect(page.locator("#members .error")).to_contain_text("keeps an owner")
        await page.locator("#members select").select_option("viewer")
        await expect(page.locator("#members .error")).to_contain_text("keeps an owner")
        await expect(page.locator("#members select")).to_have_value("owner")

    async def test_who_leaves_is_back_at_the_campaign(
        self, visitors: Visitors, operator: Operator, campaign: campaigns.Campaign
    ) -> None:
        viewer = await operator.new_account("Vera Viewer")
        await operator.add_member(campaign, viewer, "viewer")
        page = await visitors.open(routes.team(campaign.slug), who=viewer)
        await page.get_by_role("button", name="Leave").click()
        await page.get_by_role("button", name="Leave the team").click()
        await page.wait_for_url(f"**{routes.campaign(campaign.slug)}")
        await expect(page.get_by_role("link", name="Team")).to_have_count(0)

    async def test_who_is_removed_or_given_another_place_has_it_on_the_open_pages(
        self,
        visitors: Visitors,
        operator: Operator,
        manager: Account,
        campaign: campaigns.Campaign,
        site: Site,
    ) -> None:
        await site.give(campaign.slug, amount="5", currency="USD", donor_name="Waiting Donor")
        member = await operator.new_account("Rudi Reviewer")
        await operator.add_member(campaign, member, "owner")
        on_campaign = await visitors.open(routes.campaign(campaign.slug), who=member)
        on_team = await visitors.open(routes.team(campaign.slug), who=member)
        await expect(on_campaign.locator("#gifts .badge")).to_have_text("Pending")
        await expect(on_team.locator("#invite-form")).to_have_count(1)

        owner = await visitors.open(routes.team(campaign.slug), who=manager)
        row = owner.locator("#members li", has_text="Rudi Reviewer")
        await row.locator("select").select_option("viewer")
        await expect(on_team.locator("#invite-form")).to_have_count(0, timeout=SOON_MS)
        await expect(on_campaign.locator("#gifts .badge")).to_have_text("Pending")

        await row.get_by_role("button", name="Remove").click()
        await row.get_by_role("button", name="Remove for good").click()
        await expect(on_team.locator("h1")).to_have_text("Nothing is here", timeout=SOON_MS)
        await expect(on_campaign.get_by_role("link", name="Team")).to_have_count(0, timeout=SOON_MS)
        await expect(on_campaign.locator("#gifts .badge")).to_have_count(0)
        await expect(owner.locator("#members li")).to_have_count(1)
