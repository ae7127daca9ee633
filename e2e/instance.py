"""A running instance of the product, started as its users start it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import make_url

from financial_live import db, routes
from financial_live.bus import Bus

START_TIMEOUT_S = 240
_COMMAND = str(Path(sys.executable).with_name("financial-live"))


@dataclass
class Site:
    """A running instance: its address, its data folder, and its process."""

    data_dir: Path
    process: subprocess.Popen[bytes]
    address: str = ""
    instance: dict[str, Any] = field(default_factory=dict)

    @property
    def log(self) -> str:
        """What the instance has printed."""
        return (self.data_dir / "console.txt").read_text(errors="replace")

    async def give(self, slug: str, **gift: Any) -> dict[str, Any]:
        """Give by the REST door, as another program would; return the gift."""
        given = {"donor_name": "Sari Lestari", "donor_email": "sari@example.org"} | gift
        async with httpx.AsyncClient(base_url=self.address) as client:
            response = await client.post(
                routes.api_campaign_donations(slug), json={"donation": given}
            )
        assert response.status_code == 201, response.text
        answer: dict[str, Any] = response.json()["data"]
        return answer

    async def try_to_give(self, slug: str, **gift: Any) -> int:
        """Give as ``give`` does, and return the status of the answer, whatever it is."""
        given = {"donor_name": "Sari Lestari", "donor_email": "sari@example.org"} | gift
        async with httpx.AsyncClient(base_url=self.address) as client:
            path = routes.api_campaign_donations(slug)
            return (await client.post(path, json={"donation": given})).status_code

    async def campaign(self, slug: str) -> dict[str, Any]:
        """Return a campaign as the REST door shows it."""
        async with httpx.AsyncClient(base_url=self.address) as client:
            response = await client.get(routes.api_campaign(slug))
        answer: dict[str, Any] = response.json()["data"]
        return answer

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Return the answer to a plain GET."""
        async with httpx.AsyncClient(base_url=self.address) as client:
            return await client.get(path, headers=headers)

    async def watched_topics(self) -> list[str]:
        """Return the topics that the instance's workers listen to."""
        bus = Bus(self.instance["redis_url"])
        try:
            return await bus.watched_topics()
        finally:
            await bus.close()

    def command(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run ``financial-live`` with ``args`` on this instance's data folder."""
        return subprocess.run(
            [_COMMAND, *args, "--data-dir", str(self.data_dir)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[None]:
    """Let the contexts work in this process, on a database by its address as libpq reads it."""
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    db.connect(url.render_as_string(hide_password=False), pool_size=2)
    try:
        yield
    finally:
        await db.disconnect()


def start_site(
    data_dir: Path,
    *args: str,
    frontend: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Site:
    """Start an instance on ``data_dir`` and wait until it serves. Raises if it ends before.

    It serves the build in ``frontend``, and makes its own where none is given. ``settings`` are set
    in its environment beside the test's own.
    """
    pages = {"FINANCIAL_LIVE_FRONTEND_DIR": str(frontend)} if frontend else {}
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "console.txt").open("wb") as console:
        process = subprocess.Popen(
            [_COMMAND, "run", "--port", "0", "--data-dir", str(data_dir), *args],
            stdout=console,
            stderr=subprocess.STDOUT,
            env=os.environ | pages | dict(settings or {}),
        )
    site = Site(data_dir, process)
    _await_ready(site)
    return site


def _await_ready(site: Site) -> None:
    def is_ready() -> bool:
        if site.process.poll() is not None:
            raise RuntimeError(f"the instance ended while it started:\n{site.log}")
        return "Ready in" in site.log

    _wait_until(is_ready, what=f"the instance in {site.data_dir} to be ready")
    site.instance = json.loads((site.data_dir / "instance.json").read_text())
    site.address = site.instance["address"]


def _wait_until(condition: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {START_TIMEOUT_S} s for {what}")
        time.sleep(0.05)


def stop_site(site: Site) -> None:
    """Stop an instance as Ctrl-C does."""
    if site.process.poll() is None:
        site.process.send_signal(signal.SIGINT)
    site.process.wait(30)
