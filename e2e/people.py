"""Who plays in the stories: visitors with a browser each, and an operator behind the scenes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from e2e.instance import Site
from financial_live import cookies, db
from financial_live.contexts import accounts, campaigns
from financial_live.scope import Scope

# A story says what happens, and on a busy machine even a click takes its time.
PATIENCE_S = 10
expect.set_options(timeout=PATIENCE_S * 1000)


class Visitors:
    """Opens pages, each in a profile of its own, and holds what their consoles complain of."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self._browser = browser
        self._site = site
        self._profiles: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.forgiven: tuple[str, ...] = ()

    async def open(
        self, path: str, *, at: str | None = None, who: "Account | None" = None, **context: Any
    ) -> Page:
        """Open ``path`` in a new profile, at the instance's address or another that leads there.

        The profile is one where ``who`` has logged in before, or where nobody has.
        """
        address = at or self._site.address
        profile = await self._browser.new_context(**context)
        self._profiles.append(profile)
        if who is not None:
            await profile.add_cookies([{"name": cookies.NAME, "value": who.token, "url": address}])
        page = await profile.new_page()
        self.listen(page)
        await page.goto(address + path)
        return page

    def listen(self, page: Page) -> None:
        """Note what the page complains of from now on."""
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def leave(self) -> None:
        """Close all pages."""
        for profile in self._profiles:
            await profile.close()

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def unforgiven(self) -> list[str]:
        # A page that is being left may still want to say something; nobody misses it.
        forgiven = (*self.forgiven, "already in CLOSING or CLOSED state")
        return [c for c in self.complaints if not any(f in c for f in forgiven)]


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody with an account, and the token of a session of theirs."""

    user: accounts.User
    token: str

    async def scope(self) -> Scope:
        """Return who they are now. Fails if their session has ended."""
        scope = await accounts.session_scope(self.token)
        assert scope is not None, "the session has ended"
        return scope


PASSWORD = "rain on a tin roof"


class Operator:
    """Acts on campaigns and accounts by the contexts, as another worker would."""

    scope = Scope.operator()

    async def new_account(self, name: str = "Rina Wati", *, role: str = "donor") -> Account:
        """Make an account with ``PASSWORD`` and an address of its own, and log in with it."""
        email = f"{name.split(maxsplit=1)[0].lower()}.{uuid4().hex[:8]}@example.org"
        attrs = {"name": name, "email": email, "role": role, "password": PASSWORD}
        user = await accounts.create_user(self.scope, attrs)
        return await self.log_in(user)

    async def log_in(self, user: accounts.User, *, agent: str = "") -> Account:
        """Begin another session of somebody who has ``PASSWORD``."""
        begun = await accounts.log_in(
            Scope.visitor(), user.email, PASSWORD, address="192.0.2.1", agent=agent
        )
        return Account(user, begun.token)

    async def add_member(self, campaign: campaigns.Campaign, account: Account, role: str) -> None:
        """Put somebody into a campaign's team in the rows alone."""
        async with db.transaction() as session:
            session.add(
                campaigns.CampaignMember(
                    campaign_id=campaign.id,
                    user_id=account.user.id,
                    role=campaigns.CampaignRole(role),
                )
            )

    async def new_campaign(
        self, *, by: Account | None = None, **settings: Any
    ) -> campaigns.Campaign:
        """Start a campaign that counts at once and takes many gifts of one donor.

        It is owned by whoever starts it; nobody owns one of the operator.
        """
        scope = await by.scope() if by else self.scope
        defaults = {
            "name": "Winter Shelter",
            "goal_amount": "1000",
            "currency": "USD",
            "review_policy": "automatic",
            "one_gift_per_donor": False,
        }
        return await campaigns.create_campaign(scope, defaults | settings)

    async def delete(self, campaign: campaigns.Campaign) -> None:
        """Delete a campaign."""
        await campaigns.delete_campaign(self.scope, campaign.id)

    async def rename_without_a_word(self, campaign: campaigns.Campaign, name: str) -> None:
        """Rename a campaign in the rows alone, as nothing of the program does: nobody is told."""
        async with db.transaction() as session:
            await session.execute(
                sa.text("UPDATE campaign SET name = :name WHERE id = :id"),
                {"name": name, "id": campaign.id},
            )

    async def change(self, campaign: campaigns.Campaign, **settings: Any) -> None:
        """Change a campaign's settings."""
        await campaigns.update_campaign(self.scope, campaign.id, settings)


async def eventually(
    condition: Callable[[], Awaitable[bool]], *, what: str, within_s: float = PATIENCE_S
) -> None:
    """Wait until ``condition()``, awaited, holds."""
    deadline = asyncio.get_running_loop().time() + within_s
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, f"waited {within_s} s until {what}"
        await asyncio.sleep(0.02)
