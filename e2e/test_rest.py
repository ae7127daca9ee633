"""The door for programs, tried against its own description by requests that nobody thought of."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from e2e.instance import Site, connected, start_site, stop_site
from e2e.people import Operator, Visitors
from financial_live import routes
from financial_live.contexts import accounts
from financial_live.limits import Policy

_COMMAND = str(Path(sys.executable).with_name("schemathesis"))
# How often one may ask has tests of its own; here nobody is to be sent away.
_UNLIMITED = {f"RATE_LIMIT_{policy.upper()}": "10000/s burst 10000" for policy in Policy}
_CONFIG = Path(__file__).with_name("schemathesis.toml")
_FORMATS = Path(__file__).with_name("schemathesis_formats.py")


@pytest.fixture(scope="module")
def own_site(frontend: Path) -> Iterator[Site]:
    """Return an instance of these tests' own: they leave a thousand campaigns behind."""
    folder = Path(tempfile.mkdtemp(prefix="financial-live-rest-"))
    running = start_site(folder, frontend=frontend, settings=_UNLIMITED)
    yield running
    stop_site(running)
    shutil.rmtree(folder, ignore_errors=True)


def tried(site: Site, *args: str) -> tuple[int, str]:
    """Try every route in every way that its description allows or forbids; return what came of it.

    The requests are the same each time.
    """
    done = subprocess.run(
        [
            *(_COMMAND, "--config-file", str(_CONFIG), "run", "--no-color", "--checks", "all"),
            # One worker: its threads parse Python at once, which Python 3.11 can take for an error.
            *("--generation-deterministic", "--workers", "1"),
            *(site.address + routes.API_DESCRIPTION, *args),
        ],
        cwd=site.data_dir,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(_FORMATS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


class TestDescription:
    def test_is_what_a_visitor_meets(self, own_site: Site) -> None:
        code, printed = tried(own_site, "--max-examples", "10", "--phases", "coverage,fuzzing")

        assert code == 0, printed

    async def test_is_what_a_manager_meets(self, own_site: Site) -> None:
        attrs = {"name": "Everything", "scopes": ["manage"]}
        async with connected(own_site.instance["database_url"]):
            manager = await Operator().new_account("Made Manager", role="manager")
            made = await accounts.create_token(await manager.scope(), attrs)

        code, printed = tried(
            own_site, "--max-examples", "10", "-H", f"Authorization: Bearer {made.secret}"
        )

        assert code == 0, printed


class TestDocs:
    async def test_a_gift_is_given_on_the_page_and_shown_with_its_curl(
        self, visitors: Visitors, site: Site
    ) -> None:
        page = await visitors.open(routes.API_DOCS)
        await page.click("#give_to_campaign > summary")
        await page.fill("#give_to_campaign [name=id]", "build-mosque")
        before = (await site.campaign("build-mosque"))["gift_count"]
        await page.click("#give_to_campaign button")

        said = page.locator("#give_to_campaign form pre")
        await expect(said).to_contain_text("201 Created")
        await expect(said).to_contain_text("curl -X POST")
        assert (await site.campaign("build-mosque"))["gift_count"] == before + 1

    async def test_of_a_stream_of_events_the_beginning_is_shown(self, visitors: Visitors) -> None:
        page = await visitors.open(routes.API_DOCS)
        await page.click("#follow_campaign > summary")
        await page.fill("#follow_campaign [name=id]", "build-mosque")
        await page.click("#follow_campaign button")

        said = page.locator("#follow_campaign form pre")
        await expect(said).to_contain_text("event: campaign")
        await expect(said).to_contain_text("Accept: text/event-stream")

    async def test_what_needs_a_token_says_so_and_is_refused_without(
        self, visitors: Visitors
    ) -> None:
        visitors.forgiven = ("401",)
        page = await visitors.open(routes.API_DOCS)
        await expect(page.locator("#list_managed > summary")).to_contain_text("needs a token")
        await page.click("#list_managed > summary")
        await page.click("#list_managed button")

        await expect(page.locator("#list_managed form pre")).to_contain_text("401 Unauthorized")
