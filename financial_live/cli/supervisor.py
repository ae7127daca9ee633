"""``financial-live run``: brings everything up, watches it, takes everything down.

All children are started from this, the main thread: the kernel ends a child when the thread that
started it ends.
"""

import asyncio
import contextlib
import os
import shlex
import socket
import time
from pathlib import Path

from financial_live import routes
from financial_live.asgi import PROJECT, build_frontend, present_frontend
from financial_live.cli.console import Console
from financial_live.cli.guard import Guard, Watched
from financial_live.cli.renewal import migrate_anew, replace, see_off
from financial_live.cli.stopping import Hurried, Stopped, StopSignals, command_name, end_with_uv
from financial_live.cli.workers import Gate, Worker, address_of, await_readiness, listen
from financial_live.config import Settings
from financial_live.embedded import DataFolder, Instance, Part, wanted_parts, with_addresses
from financial_live.errors import AppError

_LOOK_S = 0.1


def run(settings: Settings, *, workers: int, console: Console) -> None:
    """Serve until asked to stop. Raises ConfigError when it cannot start."""
    with StopSignals() as stop:
        end_with_uv()
        folder = DataFolder(settings.data_dir)
        with contextlib.suppress(Stopped, Hurried), folder.lock():
            Supervisor(settings, folder, console=console, stop=stop, workers=workers).run()
    if stop.requested:
        console.note("Stopped.")


class Supervisor:
    """One run of one data folder, whose lock the caller holds."""

    def __init__(
        self,
        settings: Settings,
        folder: DataFolder,
        *,
        console: Console,
        stop: StopSignals,
        workers: int,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._console = console
        self._stop = stop
        self._count = workers
        self._sockets: list[socket.socket] = []
        self._port = 0
        self._address = ""
        self._parts: list[Part] = []
        self._workers: list[Worker] = []
        self._guards: list[Guard] = []
        self._gate = Gate()
        self._slug: str | None = None
        self._welcome: str | None = None

    def run(self) -> None:
        """Bring everything up and watch it; whatever happens, take it all down again."""
        try:
            self._sockets = listen(self._settings.host, self._settings.port, workers=self._count)
            self._port = int(self._sockets[0].getsockname()[1])
            self._address = address_of(self._settings.host, self._port)
            self._bring_up()
            self._watch()
        finally:
            self._take_down()

    def _bring_up(self) -> None:
        began = time.monotonic()
        self._parts = wanted_parts(self._settings, self._folder)
        settings = self._addressed()
        if settings.frontend_dir is not None:
            self._begin_workers(settings)
        self._start_parts()
        self._prepare_data(settings)
        if settings.frontend_dir is None:
            settings = settings.model_copy(update={"frontend_dir": self._built_frontend()})
            self._begin_workers(settings)
        self._open_doors()
        self._folder.announce(
            Instance(
                pid=os.getpid(),
                address=self._address,
                database_url=settings.secret("database_url"),
                redis_url=settings.secret("redis_url"),
            )
        )
        self._say_where(time.monotonic() - began)

    def _addressed(self) -> Settings:
        """Return the settings of the workers, with the frontend where it is built already."""
        urls = {part.title: part.url for part in self._parts}
        settings = with_addresses(
            self._settings, urls.get("PostgreSQL", ""), urls.get("Valkey", "")
        )
        known = self._settings.frontend_dir or present_frontend(PROJECT, self._folder)
        return settings.model_copy(update={"frontend_dir": known, "port": self._port})

    def _start_parts(self) -> None:
        for part in self._parts:
            self._stop.check()
            with self._console.step(f"starting {part.title}") as step:
                part.start(self._stop.check)
                step.done(f"{part.title} {part.version} ready")

    def _prepare_data(self, settings: Settings) -> None:
        # Imported here, while the workers load the application: it is as large as all the rest.
        from financial_live.cli.data import bring_up_to_date, first_admin_link, offer_demo

        self._stop.check()
        with self._console.step("migrating the database") as step:
            bring_up_to_date(settings)
            step.done("Database migrated")
        self._stop.check()
        if not settings.is_production:
            offer = asyncio.run(offer_demo(settings, self._folder))
            self._slug = offer.slug
            if offer.loaded:
                self._console.good(f"{offer.loaded} demo campaigns loaded")
        self._welcome = asyncio.run(first_admin_link(settings))

    def _built_frontend(self) -> Path:
        title = "building the frontend, which takes about a minute the first time"
        with self._console.step(title) as step:
            step.done("Frontend built")
            return build_frontend(PROJECT, self._folder, tick=self._look)

    def _begin_workers(self, settings: Settings) -> None:
        """Let the workers load the application; they serve when the doors are opened."""
        self._stop.check()
        for number, one in enumerate(self._sockets, start=1):
            worker = Worker(number, one, self._folder)
            worker.settings = settings
            self._workers.append(worker)
            worker.start(self._gate)

    def _open_doors(self) -> None:
        with self._console.step("starting the server") as step:
            self._gate.open()
            await_readiness(self._workers, self._stop.check)
            step.done(f"Server ready, {len(self._workers)} worker(s)")

    def _watch(self) -> None:
        self._guards = [Guard(one, self._console.note) for one in self._everything()]
        while True:
            self._look()
            if self._stop.take_renewal():
                self._renew()
            time.sleep(_LOOK_S)

    def _look(self) -> None:
        """Do what must be done again and again, whatever else is under way."""
        self._stop.check()
        for guard in self._guards:
            guard.look()

    def _renew(self) -> None:
        """Replace the workers by new ones, with what is on the disk now: one after another."""
        try:
            settings = self._renewed_settings()
            for place, worker in enumerate(self._workers):
                with self._console.step(f"replacing {worker.title}") as step:
                    self._replace(place, settings)
                    step.done(f"{worker.title} is a new one")
        except (AppError, OSError) as error:
            # Whatever a new program lacks, a full disk, a missing file: the old one is here.
            self._console.bad(f"{error}\nThe workers that are here go on.")
        else:
            self._console.good("All workers are new.")

    def _renewed_settings(self) -> Settings:
        settings = self._workers[0].settings
        assert settings is not None, "workers are watched after they have got their settings"
        if self._settings.frontend_dir is None:
            settings = settings.model_copy(update={"frontend_dir": self._built_frontend()})
        with self._console.step("migrating the database") as step:
            migrate_anew(settings, self._look)
            step.done("Database migrated")
        return settings

    def _replace(self, place: int, settings: Settings) -> None:
        old = self._workers[place]
        [guard] = [guard for guard in self._guards if guard.watched is old]
        # One that dies meanwhile is not started again: it would share a place with its successor.
        self._guards.remove(guard)
        try:
            new = self._workers[place] = replace(old, settings, self._look)
        except BaseException:
            self._guards.append(guard)
            raise
        self._guards.append(Guard(new, self._console.note))
        see_off(old, self._look)

    def _take_down(self) -> None:
        try:
            if self._stop.requested:
                self._console.note("Stopping; Ctrl-C again to hurry.")
            self._stop_in_order()
        except Hurried:
            for one in reversed(self._everything()):
                one.kill()
        finally:
            self._gate.open()
            for listening in self._sockets:
                listening.close()
            for worker in self._workers:
                worker.leave_port()

    def _everything(self) -> list[Watched]:
        return [*self._parts, *self._workers]

    def _stop_in_order(self) -> None:
        """Stop the workers together, then the parts they use, the last started first."""
        for worker in self._workers:
            worker.ask_to_stop()
        for worker in self._workers:
            worker.stop()
        for part in reversed(self._parts):
            part.stop()

    def _say_where(self, taken_s: float) -> None:
        lines = _places(self._settings, address=self._address, slug=self._slug or "SLUG")
        if self._welcome is not None:
            lines += [
                "",
                "  There is no admin yet. Become the first one by this link, within 24 hours:",
            ]
            lines += [f"  {self._welcome}"]
        self._console.note(f"\nReady in {taken_s:.1f} s.\n\n{chr(10).join(lines)}\n")


def _places(settings: Settings, *, address: str, slug: str) -> list[str]:
    """Return what is where, as lines of two columns."""
    shown = address.replace("127.0.0.1", "localhost")
    simulate = f"{command_name()} simulate --rate 5 --campaign {slug}"
    rows = [
        ("Open", shown + ("" if settings.is_loopback else f"  (listening on {settings.host})")),
        ("Campaigns", shown + routes.CAMPAIGNS),
        ("Gifts", shown + routes.DONATIONS),
        ("For programs", shown + routes.API_DOCS),
        ("Data", str(settings.data_dir)),
        ("Logs", str(DataFolder(settings.data_dir).log)),
        ("Try it", f"{simulate}{_folder_option(settings)}  (in another terminal)"),
        ("Stop", "Ctrl-C"),
    ]
    return [f"  {name:<14}{value}" for name, value in rows]


def _folder_option(settings: Settings) -> str:
    is_default = settings.data_dir == Settings.default_data_dir()
    return "" if is_default else f" --data-dir {shlex.quote(str(settings.data_dir))}"
