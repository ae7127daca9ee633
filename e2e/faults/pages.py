"""The open pages of a night: what each shows, and what it should show by the database."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from playwright.async_api import Browser, BrowserContext, Error, Page

from financial_live import db, routes
from financial_live.rooms.views import CAMPAIGN_GIFTS, GIFTS

SLUG = "night"
NAME = "Night of Faults"
TYPED = {"amount": "12.345", "donor_name": "Half Typed", "donor_email": "half@"}
POLL_S = 0.05
PATHS = {
    "campaign": routes.campaign(SLUG),
    "campaigns": routes.CAMPAIGNS,
    "home": routes.HOME,
    "gifts": routes.DONATIONS,
}
# What a page shows, in the shape in which ``expected`` returns it.
_SHOWN = {
    "campaign": "[...numbers(find('#numbers')), rows('#gifts'), typed()]",
    "campaigns": "[digits('.measures b', named('tbody tr'))]",
    "home": "numbers(named('article'))",
    "gifts": "[rows('#donations')]",
}
_READ = """([name, fields]) => {
  const find = (selector, root = document) => root?.querySelector(selector);
  const text = (selector, root) => find(selector, root)?.textContent ?? "";
  const digits = (selector, root) => text(selector, root).replace(/\\D/g, "");
  const named = (selector) =>
    [...document.querySelectorAll(selector)].find((one) => one.textContent.includes(name)) ?? null;
  const numbers = (root) => [
    digits(".total .sr-only", root),
    digits(".measures:last-child > span:last-child b", root),
  ];
  const rows = (list) => [...document.querySelectorAll(`${list} li`)].map(
    (row) => `${text("h3", row)} ${digits(".amount", row)}`);
  const typed = () => fields.map((id) => document.getElementById(id)?.value ?? null);
  return [text(".stale-line"), SHOWN];
}"""
# Notes when the page first says as of when it is right, however shortly it does.
_LISTEN = """
window.saidAt = null;
const listen = () => {
  const text = document.querySelector(".stale-line")?.textContent ?? "";
  if (/^Reconnecting, as of \\d/.test(text)) window.saidAt ??= Date.now();
};
const everything = { childList: true, subtree: true, characterData: true };
new MutationObserver(listen).observe(document, everything);
"""


@dataclass(eq=False)
class OpenPage:
    """A page that somebody has open."""

    group: str
    kind: str
    address: str
    page: Page

    @property
    def title(self) -> str:
        """How a person would call it."""
        return f"{self.kind} ({self.group})"

    async def load(self) -> None:
        """Open it, and type half a gift where there is a form."""
        await self.page.goto(self.address + PATHS[self.kind])
        if self.kind == "campaign":
            for name, text in TYPED.items():
                await self.page.fill(f"#{name}", text)

    async def shown(self) -> tuple[str, list[Any]]:
        """Return what its stale line says, and its content. Both are empty while it loads."""
        try:
            stale, content = await self.page.evaluate(
                _READ.replace("SHOWN", _SHOWN[self.kind]), [NAME, list(TYPED)]
            )
        except Error as error:
            if "context was destroyed" not in error.message:
                raise
            return "", []
        return stale, content

    async def listen(self) -> None:
        """Forget what it has said so far."""
        await self.page.evaluate("window.saidAt = null")

    async def said_at(self) -> float | None:
        """Return when it first said that it reconnects, in s since 1970; None if it did not."""
        at: float | None = await self.page.evaluate("window.saidAt")
        return at / 1000 if at else None


async def open_page(
    browser: Browser | BrowserContext, address: str, *, group: str, kind: str
) -> OpenPage:
    """Open a page as somebody new, or in the context of somebody."""
    page = await browser.new_page()
    page.set_default_timeout(30_000)
    await page.add_init_script(_LISTEN)
    opened = OpenPage(group, kind, address, page)
    await opened.load()
    return opened


async def expected(database_url: str) -> Mapping[str, list[Any]]:
    """Return what each kind of page should show, by the rows of one moment."""
    dsn = db.libpq_url(database_url)
    async with await psycopg.AsyncConnection.connect(dsn, connect_timeout=5) as connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        cursor = await connection.execute(
            "SELECT total_raised, gift_count FROM campaign WHERE slug = %s", [SLUG]
        )
        [(total, count)] = await cursor.fetchall()
        # The night's campaign has more gifts than any list shows, and the others get none.
        cursor = await connection.execute(
            "SELECT donor_name, amount FROM donation ORDER BY inserted_at DESC, id DESC LIMIT %s",
            [GIFTS],
        )
        rows = [f"{name} {digits(amount)}" for name, amount in await cursor.fetchall()]
    numbers = [digits(total), str(count)]
    return {
        "campaign": [*numbers, rows[:CAMPAIGN_GIFTS], list(TYPED.values())],
        "campaigns": [digits(total)],
        "home": numbers,
        "gifts": [rows],
    }


def digits(amount: Decimal) -> str:
    """Return the digits of an amount as it is written: no cents where there are none."""
    return f"{amount:.2f}".removesuffix(".00").replace(".", "")


async def names_of_gifts(database_url: str) -> Counter[str]:
    """Return the names of all who gave to the night's campaign, and how often each did."""
    async with await psycopg.AsyncConnection.connect(db.libpq_url(database_url)) as connection:
        cursor = await connection.execute("SELECT donor_name FROM donation")
        return Counter(name for (name,) in await cursor.fetchall())
