"""A real run: everything comes up, is watched, and goes down without a trace.

The frontend is given, not built: building is tested where it belongs.
"""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from financial_live.config import Settings
from financial_live.embedded import DataFolder, Postgres

PATIENCE_S = 60.0
COMMAND = [sys.executable, "-c", "from financial_live.cli import main; main()"]


class Run:
    """One ``financial-live run``, with what it said so far."""

    def __init__(self, data: Path, environment: Mapping[str, str], *options: str) -> None:
        self.data = data
        self.environment = environment
        self.process = self._start("run", "--port", "0", *options)
        self.said: list[str] = []

    def hears(self, text: str) -> str:
        """Read on until a line holds the text, and return the line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if text in line:
                return line
        pytest.fail(f"it ended without saying {text!r}:\n{''.join(self.said)}")

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another subcommand on the same folder, to its end."""
        process = self._start(*arguments)
        said, _ = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, said)

    def announced(self, name: str) -> str:
        """Return what the instance says of itself to other subcommands."""
        return str(json.loads((self.data / "instance.json").read_text())[name])

    def children(self) -> dict[str, int]:
        """Return the processes it started, by the name of their program."""
        pid = self.process.pid
        pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {Path(f"/proc/{one}/comm").read_text().strip(): int(one) for one in pids}

    def ends(self) -> int:
        """Wait for its end and return its exit code."""
        self.said += self.process.communicate()[0].splitlines(keepends=True)
        return self.process.returncode

    def _start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*COMMAND, *arguments, "--data-dir", str(self.data)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=dict(self.environment),
            start_new_session=True,
        )


def wait_for_end(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = select.select([descriptor], [], [], PATIENCE_S)
        assert ended, f"process {pid} is still there"
    finally:
        os.close(descriptor)


def is_answering(address: str) -> bool:
    return httpx.get(f"{address}/ping", timeout=PATIENCE_S).status_code == 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    # As root another account runs PostgreSQL and has to pass through the folders above it.
    for one in (path, path.parent, path.parent.parent):
        one.chmod(0o711)
    return path


@pytest.fixture(scope="module")
def environment(folder: Path) -> dict[str, str]:
    client = folder / "frontend" / "client"
    (client / "assets").mkdir(parents=True)
    for name in ("index", "__spa-fallback", "404"):
        (client / f"{name}.html").write_text(f"<title>{name}</title>")
    (client / "assets" / "reflex-env-1.js").write_text("e=`http://localhost:8000/ping`")
    (client.parent / "backend").mkdir()
    (client.parent / "backend" / "stateful_pages.json").write_text("[]")
    kept = {name: text for name, text in os.environ.items() if name not in Settings.names()}
    return kept | {"FINANCIAL_LIVE_FRONTEND_DIR": str(client.parent)}


@pytest.fixture(scope="module")
def instance(folder: Path, environment: dict[str, str]) -> Iterator[Run]:
    run = Run(folder / "data with spaces, ünïcode", environment)
    run.hears("Ctrl-C")
    yield run
    run.process.terminate()
    run.ends()


class TestRun:
    def test_shows_each_step(self, instance: Run) -> None:
        said = "".join(instance.said)
        for step in ("PostgreSQL", "Valkey", "Database migrated", "demo campaigns", "Server"):
            assert step in said

    def test_serves_the_pages_and_the_application(self, instance: Run) -> None:
        address = instance.announced("address")
        assert is_answering(address)
        assert "<title>index</title>" in httpx.get(address).text
        assert httpx.get(f"{address}/nowhere").status_code == 404

    def test_refuses_foreign_origins(self, instance: Run) -> None:
        address = instance.announced("address")
        foreign = {"origin": "https://evil.example"}
        assert httpx.post(f"{address}/api/campaigns", headers=foreign).status_code == 403

    def test_refuses_a_second_start_and_names_the_first(self, instance: Run) -> None:
        second = instance.command("run", "--port", "0")
        assert second.returncode == 1
        assert f"process {instance.process.pid}" in second.stdout
        assert instance.announced("address") in second.stdout
        assert "Traceback" not in second.stdout

    def test_other_subcommands_join_it(self, instance: Run) -> None:
        checked = instance.command("check")
        assert checked.returncode == 0
        assert "nothing to say" in checked.stdout

    def test_can_be_given_to(self, instance: Run) -> None:
        slug = httpx.get(f"{instance.announced('address')}/api/campaigns").json()["data"][0]["slug"]
        options = ("--campaign", slug, "--rate", "50", "--duration", "0.2")
        simulated = instance.command("simulate", *options)
        assert simulated.returncode == 0, simulated.stdout
        assert "10 gifts" in simulated.stdout

    @pytest.mark.parametrize(
        ("program", "title"),
        [("postgres", "PostgreSQL"), ("valkey-server", "Valkey"), ("python", "Worker 1")],
    )
    def test_starts_again_what_is_killed(self, instance: Run, program: str, title: str) -> None:
        killed = next(
            pid for name, pid in instance.children().items() if name.startswith(program[:15])
        )
        os.kill(killed, signal.SIGKILL)
        assert "was ended by SIGKILL" in instance.hears(title)
        instance.hears(f"{title} is running again")
        assert killed not in instance.children().values()
        assert is_answering(instance.announced("address"))


class TestStop:
    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
    def test_leaves_nothing_and_succeeds(
        self, folder: Path, environment: dict[str, str], signum: signal.Signals
    ) -> None:
        run = Run(folder / "stopped", environment, "--workers", "2")
        run.hears("Ctrl-C")
        children = run.children()
        os.kill(run.process.pid, signum)
        assert run.ends() == 0
        assert "Stopped." in run.said[-1]
        for pid in children.values():
            wait_for_end(pid)
        assert not (run.data / "instance.json").exists()

    def test_may_come_in_the_middle_of_the_start(
        self, folder: Path, environment: dict[str, str]
    ) -> None:
        run = Run(folder / "interrupted", environment)
        run.hears("PostgreSQL")
        children = run.children()
        os.kill(run.process.pid, signal.SIGINT)
        assert run.ends() == 0
        for pid in children.values():
            wait_for_end(pid)


class TestKill:
    def test_leaves_nothing_and_the_next_start_recovers(
        self, folder: Path, environment: dict[str, str]
    ) -> None:
        first = Run(folder / "killed", environment)
        first.hears("Ctrl-C")
        children = first.children()
        first.process.kill()
        second = Run(folder / "killed", environment)
        second.hears("Ctrl-C")
        for pid in children.values():
            wait_for_end(pid)
        assert is_answering(second.announced("address"))
        assert "demo" not in "".join(second.said)
        second.process.terminate()
        assert second.ends() == 0
        first.ends()


class TestOneOfTwoWorkers:
    def test_leaves_its_visitors_to_the_other_when_it_dies(
        self, folder: Path, environment: dict[str, str]
    ) -> None:
        run = Run(folder / "two", environment, "--workers", "2")
        try:
            run.hears("Ctrl-C")
            address = run.announced("address")
            killed = worker_at(address)
            os.kill(killed, signal.SIGKILL)
            wait_for_end(killed)
            run.hears("was ended by SIGKILL")
            # Half of new connections would wait in the dead one's queue until its successor
            # listens, which takes seconds, and so longer than this patience.
            for _ in range(40):
                assert httpx.get(f"{address}/ping", timeout=2.0).status_code == 200
        finally:
            run.process.terminate()
            code = run.ends()
        assert code == 0


class TestHangup:
    """SIGHUP replaces the workers by new ones."""

    @pytest.fixture
    def run(self, folder: Path, environment: dict[str, str]) -> Iterator[Run]:
        given = folder / "renewed-frontend"
        shutil.copytree(environment["FINANCIAL_LIVE_FRONTEND_DIR"], given, dirs_exist_ok=True)
        run = Run(
            folder / "renewed",
            environment | {"FINANCIAL_LIVE_FRONTEND_DIR": str(given)},
            *("--workers", "2"),
        )
        run.hears("Ctrl-C")
        yield run
        run.process.terminate()
        assert run.ends() == 0

    def test_takes_one_after_another_while_others_answer(self, run: Run) -> None:
        before = workers_of(run)
        address = run.announced("address")
        os.kill(run.process.pid, signal.SIGHUP)
        with ThreadPoolExecutor() as pool:
            heard = pool.submit(run.hears, "All workers are new.")
            answers = 0
            while not heard.done():
                assert is_answering(address)
                answers += 1
            heard.result()
        after = workers_of(run)
        assert len(after) == 2
        assert not before & after
        assert answers > 0
        assert "was ended" not in "".join(run.said)

    def test_replaces_one_that_has_just_died_too(self, run: Run) -> None:
        before = workers_of(run)
        os.kill(min(before), signal.SIGKILL)
        run.hears("Starting it again")
        os.kill(run.process.pid, signal.SIGHUP)
        run.hears("All workers are new.")
        assert not before & workers_of(run)
        assert is_answering(run.announced("address"))

    def test_keeps_those_that_are_there_when_new_ones_do_not_start(self, run: Run) -> None:
        before = workers_of(run)
        index = Path(run.environment["FINANCIAL_LIVE_FRONTEND_DIR"]) / "client" / "index.html"
        index.unlink()
        os.kill(run.process.pid, signal.SIGHUP)
        run.hears("There is no built frontend")
        run.hears("The workers that are here go on.")
        assert workers_of(run) == before
        assert is_answering(run.announced("address"))

    def test_ends_the_run_when_it_means_that_the_terminal_is_gone(
        self, folder: Path, environment: dict[str, str]
    ) -> None:
        ours, theirs = pty.openpty()
        argv = [*COMMAND, "run", "--port", "0", "--data-dir", str(folder / "terminal")]
        process = subprocess.Popen(
            argv,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )
        os.close(theirs)
        said = b""
        while b"Ctrl-C" not in said:
            said += os.read(ours, 65536)
        os.close(ours)
        assert process.wait(PATIENCE_S) == 0
        assert not (folder / "terminal" / "instance.json").exists()


def workers_of(run: Run) -> set[int]:
    """Return the processes that serve."""
    pid = run.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {
        int(one)
        for one in children
        if b"financial_live.asgi" in Path(f"/proc/{one}/cmdline").read_bytes()
    }


def worker_at(address: str) -> int:
    """Return the process id of the worker that answers."""
    said = re.search(r'memory_total_bytes\{pid="(\d+)"', httpx.get(f"{address}/metrics").text)
    assert said is not None
    return int(said[1])


class TestGivenDatabase:
    def test_replaces_the_embedded_one(self, folder: Path, environment: dict[str, str]) -> None:
        elsewhere = Postgres(DataFolder(folder / "elsewhere"))
        elsewhere.start()
        try:
            run = Run(folder / "given", environment | {"DATABASE_URL": elsewhere.url})
            run.hears("Ctrl-C")
            assert run.announced("database_url") == elsewhere.url
            assert "postgres" not in run.children()
            assert not (run.data / "postgres").exists()
            run.process.terminate()
            assert run.ends() == 0
            assert elsewhere.poll() is None
        finally:
            elsewhere.stop()

    def test_that_does_not_answer_is_told_without_its_password(
        self, folder: Path, environment: dict[str, str]
    ) -> None:
        address = "postgres://owner:hunter2@127.0.0.1:1/gifts"
        run = Run(folder / "unreachable", environment | {"DATABASE_URL": address})
        assert run.ends() == 1
        said = "".join(run.said)
        assert "The database does not answer" in said
        assert "DATABASE_URL" in said
        assert "hunter2" not in said
        assert "Traceback" not in said


class TestProduction:
    def test_refuses_to_start_half_configured_and_lists_all(
        self, folder: Path, environment: dict[str, str]
    ) -> None:
        run = Run(folder / "production", environment | {"FINANCIAL_LIVE_ENV": "production"})
        assert run.ends() == 1
        for name in ("DATABASE_URL", "REDIS_URL", "ALLOWED_ORIGINS"):
            assert name in "".join(run.said)
        assert not run.data.exists()


class TestBrokenWorker:
    def test_stops_the_start_and_shows_why(self, folder: Path, environment: dict[str, str]) -> None:
        none = str(folder / "no-frontend")
        run = Run(folder / "broken", environment | {"FINANCIAL_LIVE_FRONTEND_DIR": none})
        assert run.ends() == 1
        assert "There is no built frontend" in "".join(run.said)
