"""What the documentation prints is what happens: its blocks are run, in their order."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.instance import Site, start_site, stop_site
from e2e.printed import DOCS, EXAMPLES, OUTPUT, PLACEHOLDERS, Block, blocks

_LIMIT = "1/s burst 5"


@pytest.fixture
def own_site(frontend: Path) -> Iterator[Site]:
    """Return an instance as the page describes it: nobody is there yet, and it is soon enough."""
    assert f"RATE_LIMIT_GIVING='{_LIMIT}'" in EXAMPLES.read_text()
    folder = Path(tempfile.mkdtemp(prefix="financial-live-docs-"))
    running = start_site(folder, frontend=frontend, settings={"RATE_LIMIT_GIVING": _LIMIT})
    yield running
    stop_site(running)
    shutil.rmtree(folder, ignore_errors=True)


class TestExamples:
    def test_every_block_prints_what_stands_below_it(self, own_site: Site, tmp_path: Path) -> None:
        environment = {"FINANCIAL_LIVE_DATA_DIR": str(own_site.data_dir)}
        known = {"FINANCIAL_LIVE_URL": own_site.address}
        page = blocks(EXAMPLES)
        for block in page:
            if block.exports:
                environment |= {name: known[name] for name in block.exports}
                continue
            done = block.run(tmp_path, environment)
            assert done.returncode == 0, f"{block.where}: {done.stdout}{done.stderr}"
            below = next(page)
            assert below.language == OUTPUT, f"{below.where}: nothing says what is printed"
            assert below.is_printed_by(done.stdout), f"{block.where} printed:\n{done.stdout}"
            if token := re.search(PLACEHOLDERS["<token>"], done.stdout):
                known["FINANCIAL_LIVE_TOKEN"] = token[0]

    def test_no_other_page_shows_requests_that_nobody_tries(self) -> None:
        for page in {DOCS.parent / "README.md", *DOCS.rglob("*.md")} - {EXAMPLES}:
            for block in blocks(page):
                assert not re.search(r"curl|/api/", block.text), block.where

    def test_a_placeholder_stands_only_for_what_it_names(self) -> None:
        below = Block("", OUTPUT, "201 /api/campaigns/<id>\n")

        assert below.is_printed_by("201 /api/campaigns/019cc8a1-7f00-7000-8000-000000000001\n")
        assert not below.is_printed_by("201 /api/campaigns/build-mosque\n")
