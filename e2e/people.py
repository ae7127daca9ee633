"""Who plays in the stories: visitors with a browser each, and an operator behind the scenes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import sqlalchemy as sa
from playwright.async_api import Browser, ConsoleMessage, Page

from e2e.instance import Site
from financial_live import db
from financial_live.contexts import campaigns
from financial_live.scope import Scope


class Visitors:
    """Opens pages, each in a browser of its own, and holds what their consoles complain of."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self._browser = browser
        self._site = site
        self.complaints: list[str] = []
        self.forgiven: tuple[str, ...] = ()

    async def open(self, path: str, *, at: str | None = None, **context: Any) -> Page:
        """Open ``path`` as somebody new, at the instance's address or another that leads there."""
        page = await (await self._browser.new_context(**context)).new_page()
        page.set_default_timeout(10_000)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto((at or self._site.address) + path)
        return page

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def unforgiven(self) -> list[str]:
        return [c for c in self.complaints if not any(f in c for f in self.forgiven)]


class Operator:
    """Acts on campaigns by the contexts, as another worker would."""

    scope = Scope.operator()

    async def new_campaign(self, **settings: Any) -> campaigns.Campaign:
        """Start a campaign that counts at once and takes many gifts of one donor."""
        defaults = {
            "name": "Winter Shelter",
            "goal_amount": "1000",
            "currency": "USD",
            "review_policy": "automatic",
            "one_gift_per_donor": False,
        }
        return await campaigns.create_campaign(self.scope, defaults | settings)

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
    condition: Callable[[], Awaitable[bool]], *, what: str, within_s: float = 10
) -> None:
    """Wait until ``condition()``, awaited, holds."""
    deadline = asyncio.get_running_loop().time() + within_s
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, f"waited {within_s} s until {what}"
        await asyncio.sleep(0.02)
