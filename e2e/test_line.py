"""A line that dies without a word: the page notices, says so, and makes a new one."""

from playwright.async_api import Page, WebSocketRoute, expect

from e2e.instance import Site
from e2e.people import Operator, Visitors, eventually
from e2e.test_gift import fill_gift
from financial_live import routes

# What a server says on a line that is silent otherwise: a packet that means nothing.
_BEAT = "6"
_NOTE_WHAT_IS_SAID = """
() => {
  const line = document.querySelector(".stale-line");
  const note = () => { if (line.textContent) window.said.push(line.textContent); };
  window.said = [];
  new MutationObserver(note).observe(line, {childList: true, characterData: true, subtree: true});
}
"""


class Ears:
    """Stands between a page and the server. While ``is_deaf``, its first line is dead.

    Nobody is told: neither does the server learn that the page has left it. ``beats`` counts what
    the server says on that line only to show that it lives.
    """

    def __init__(self) -> None:
        self.is_deaf = False
        self.lines = 0
        self.beats = 0

    def take(self, page: WebSocketRoute) -> None:
        """Take a new line of the page."""
        self.lines += 1
        server = page.connect_to_server()
        if self.lines > 1:
            return

        def pass_on(message: str | bytes) -> None:
            self.beats += message == _BEAT
            if not self.is_deaf:
                page.send(message)

        server.on_message(pass_on)
        page.on_close(lambda _code, _reason: None)


async def open_with(ears: Ears, visitors: Visitors, address: str) -> Page:
    """Open a page whose lines go through ``ears``; it notes what its stale line says."""
    page = await visitors.open("/")
    await page.route_web_socket("**/_event/**", ears.take)
    await page.goto(address)
    await expect(page.locator("#numbers .total .sr-only")).to_have_text("$0")
    await page.evaluate(_NOTE_WHAT_IS_SAID)
    return page


class TestALineThatDies:
    async def test_does_not_make_two_gifts_of_one(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign()
        ears = Ears()
        page = await open_with(ears, visitors, site.address + routes.campaign(campaign.slug))
        await fill_gift(page, amount="25", donor_name="Sari Lestari")

        ears.is_deaf = True
        await page.click("#give-form button[type=submit]")

        async def is_given() -> bool:
            return bool((await site.campaign(campaign.slug))["gift_count"] == 1)

        await eventually(is_given, what="the gift is taken")
        # The page has not heard of it, and comes back as somebody the server does not know.
        await expect(page.locator("#numbers .total .sr-only")).to_have_text("$25", timeout=20_000)
        await expect(page.locator(".stale-line")).to_have_text("")
        assert "Reconnecting, as of" in " ".join(await page.evaluate("window.said"))
        assert ears.lines == 2
        assert await page.input_value("#donor_name") == "Sari Lestari"

        await page.click("#give-form button[type=submit]")
        await expect(page.locator(".thanks")).to_contain_text("Thank you, Sari Lestari")
        assert (await site.campaign(campaign.slug))["gift_count"] == 1

    async def test_is_not_suspected_while_nothing_happens(
        self, visitors: Visitors, operator: Operator, site: Site
    ) -> None:
        campaign = await operator.new_campaign()
        ears = Ears()
        page = await open_with(ears, visitors, site.address + routes.campaign(campaign.slug))

        async def is_quiet_for_long() -> bool:
            return ears.beats >= 8

        await eventually(
            is_quiet_for_long, what="the line has shown 8 times that it lives", within_s=30
        )
        assert await page.evaluate("window.said") == []
        assert ears.lines == 1
