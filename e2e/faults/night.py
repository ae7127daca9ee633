"""A night on which everything goes wrong, and every open page is compared with the database.

    uv run python e2e/faults/night.py [--smoke] [--only NAME,NAME] [--asleep SECONDS]

Starts a PostgreSQL, a Valkey, an instance with two workers and two browsers, brings gifts all the
time, and does one fault after another. After each, every page must show exactly what the database
holds, a form what was typed in it, and the database every gift that was accepted. Where a fault
touches some pages only, the others must follow the database meanwhile. Else this ends with an
error. Times hold for the machine they were measured on.
"""

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from e2e.bench.first_gift import worker_pid
from e2e.faults.kinds import Fault, faults
from e2e.faults.pages import POLL_S, OpenPage, expected, names_of_gifts
from e2e.faults.staging import PATIENCE_S, WORKERS, Stage, staged
from e2e.people import eventually

AIM_S = 3
_GIVE_UP_S = 20.0
# How late a page may be that a fault does not touch: less than the 25 s after which a server lets
# go of a stuck client, and of all who might wait with it.
_LATE_S = 8.0
_LOOK_S = 1.0


class Night:
    """Does the faults, and compares."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._pages = stage.pages
        self._giver = stage.giver

    async def suffer(self, fault: Fault, lasts_s: float) -> None:
        """Do one fault, compare every page, and print its line of the table."""
        await self._calm()
        touched = [page for page in self._pages if page.group in fault.groups]
        answers = Counter(self._giver.answers)
        for page in touched:
            await page.listen()
        began = time.time()
        async with self._giver.giving(fault.gifts_hz), fault.act(self._stage):
            late = await self._last(lasts_s, [page for page in self._pages if page not in touched])
        back = began if fault.goes_on else time.time()
        await self._giver.give_until_accepted(PATIENCE_S)
        wrong = await self._until_right(_GIVE_UP_S, self._pages)
        right_after = time.time() - back
        await self._giver.settled()
        said_at = {page: await page.said_at() for page in touched}
        silent = [page for page in touched if not said_at[page]]
        self._judge(fault, wrong=wrong, late=late, silent=silent)
        print_line(
            fault.what,
            lasts=f"{lasts_s:g} s" if lasts_s else "",
            said=said_after([at - began for at in said_at.values() if at]),
            right="never" if wrong else f"{right_after:.1f} s",
            gifts=self._giver.answers - answers,
            wrong=len({*wrong, *late}),
            note=", ".join(self._stage.notes),
        )
        self._stage.notes.clear()
        for page in wrong:
            await page.load()

    async def _last(self, lasts_s: float, others: list[OpenPage]) -> set[OpenPage]:
        """Let a fault last; return which of the ``others`` were wrong meanwhile for too long."""
        late: set[OpenPage] = set()
        ends = time.monotonic() + lasts_s
        while (left_s := ends - time.monotonic()) > 0:
            await asyncio.sleep(min(left_s, _LOOK_S))
            if others:
                late.update(await self._until_right(_LATE_S, others))
        return late

    async def _until_right(self, within_s: float, pages: list[OpenPage]) -> list[OpenPage]:
        """Wait until these are right at the same moment; return those that do not become so."""
        deadline = time.monotonic() + within_s
        while wrong := await self._wrong(pages):
            if time.monotonic() > deadline:
                for page, what in wrong.items():
                    print(f"  {page.title} {what}")
                return list(wrong)
            await asyncio.sleep(POLL_S)
        return []

    async def _wrong(self, pages: list[OpenPage]) -> dict[OpenPage, str]:
        """Return which of these do not show what the database holds, with what they show."""
        right = await expected(self._stage.postgres.url)
        shown = await asyncio.gather(*(page.shown() for page in pages))
        return {
            page: f"says {stale!r} and shows {content}, not {right[page.kind]}"
            if content != right[page.kind]
            else f"says {stale!r}"
            for page, (stale, content) in zip(pages, shown, strict=True)
            if stale or content != right[page.kind]
        }

    async def _calm(self) -> None:
        """Wait until every worker serves and every page is right."""
        answered: set[str] = set()

        async def all_serve() -> bool:
            answered.add(await worker_pid(self._stage.site))
            pids = set(map(str, self._stage.workers))
            return len(pids) == WORKERS and pids <= answered

        await eventually(all_serve, what="all workers serve", within_s=PATIENCE_S)
        if await self._until_right(PATIENCE_S, self._pages):
            raise RuntimeError("pages are wrong while nothing is")

    def _judge(
        self, fault: Fault, *, wrong: list[OpenPage], late: set[OpenPage], silent: list[OpenPage]
    ) -> None:
        failures = self._stage.failures
        failures += [f"{fault.what}: {page.title} stayed wrong" for page in wrong]
        failures += [f"{fault.what}: {page.title} was wrong meanwhile, untouched" for page in late]
        touched = [page for page in self._pages if page.group in fault.groups]
        if (fault.says == "all" and silent) or (fault.says == "some" and silent == touched):
            titles = ", ".join(page.title for page in silent)
            failures.append(f"{fault.what}: {titles} did not say that it reconnects")

    async def end(self) -> None:
        """Compare what was accepted with what is there, and print it."""
        lost = self._giver.accepted - (await names_of_gifts(self._stage.postgres.url)).keys()
        check: subprocess.CompletedProcess[str] = await asyncio.to_thread(
            self._stage.site.command, "check"
        )
        print(f"\n{len(self._giver.accepted)} gifts accepted, {len(lost)} of them lost")
        print(f"financial-live check: {check.stdout.strip()}")
        if check.returncode:
            self._stage.failures.append("the check found problems")
        if lost:
            self._stage.failures.append(f"lost: {', '.join(sorted(lost))}")


def said_after(times_s: list[float]) -> str:
    """Return after how long the first and the last page that said so said so."""
    if not times_s:
        return "-"
    first, last = f"{min(times_s):.1f}", f"{max(times_s):.1f}"
    return f"{first} s" if first == last else f"{first}-{last} s"


def print_line(
    what: str,
    *,
    lasts: str = "lasts",
    said: str = "said after",
    right: str = "right",
    gifts: Counter[str] | None = None,
    wrong: int | None = None,
    note: str = "",
) -> None:
    """Print one line of the table, or its head."""
    shown = "gifts"
    if gifts is not None:
        shown = f"{gifts['accepted']}/{gifts['refused']}/{gifts['unanswered']}"
    aim = "aim" if gifts is None else f"{AIM_S} s"
    count = "wrong" if wrong is None else str(wrong)
    times = f"{lasts:>5} {said:>11} {right:>6} {aim:>4}"
    print(f"{what:51} {times} {shown:>9} {count:>6}  {note}".rstrip(), flush=True)


async def spend(folder: Path, chosen: list[tuple[Fault, float]]) -> None:
    """Spend the night, and stop with an error if anything ended wrong."""
    async with staged(folder) as stage:
        night = Night(stage)
        print_line("fault")
        for fault, lasts_s in chosen:
            await night.suffer(fault, lasts_s)
        await night.end()
    if stage.failures:
        sys.exit("\n".join(stage.failures))


def main() -> None:
    """Read the command line, and spend the night."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="a few faults, and short ones")
    parser.add_argument("--only", default="", help="these faults, by their names")
    parser.add_argument("--asleep", type=float, default=150, help="seconds the laptop sleeps")
    given = parser.parse_args()
    chosen = choose(faults(asleep_s=given.asleep), only=given.only, is_smoke=given.smoke)
    folder = Path(tempfile.mkdtemp(prefix="financial-live-night-"))
    try:
        asyncio.run(spend(folder, chosen))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def choose(known: tuple[Fault, ...], *, only: str, is_smoke: bool) -> list[tuple[Fault, float]]:
    """Return the faults to do, each with how long it lasts, in s. Exits if a name is unknown."""
    names = [fault.name for fault in known]
    wanted = only.split(",") if only else names
    if unknown := set(wanted) - set(names):
        sys.exit(f"{', '.join(unknown)}: no such fault. There are {', '.join(names)}.")
    chosen = [fault for fault in known if fault.name in wanted]
    if is_smoke:
        return [(fault, fault.smoke_s) for fault in chosen if fault.smoke_s is not None]
    return [(fault, fault.lasts_s) for fault in chosen]


if __name__ == "__main__":
    main()
