"""``user create``, ``user password`` and ``user role``, and where they read a password."""

import asyncio
import io
import os
import pty
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from financial_live.cli import data, main, users
from financial_live.cli.console import Console
from financial_live.config import Settings
from financial_live.contexts import accounts
from financial_live.contexts.accounts import Role, User
from financial_live.errors import AppError, Invalid, NotFound, Unauthorized, Unavailable
from tests.conftest import TEMPLATE, Server
from tests.contexts.factories import OPERATOR, events
from tests.contexts.people import EMAIL, PASSWORD, log_in, quick_hashes

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("quick_hashes")

OTHER_PASSWORD = "another horse battery"
NAME = "Siti Nurhaliza"


@pytest.fixture
def settings(server: Server, migrated: str, tmp_path: Path) -> Iterator[Settings]:
    url = server.create("users", template=TEMPLATE)
    yield Settings.load(data_dir=tmp_path, database_url=url, redis_url="redis://unused")
    server.drop("users")


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what sets the standard input of the next command."""

    def set_input(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return set_input


Say = Callable[[str], None]


def ask(settings: Settings, work: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(data.with_database(settings, work))


def found(settings: Settings, email: str = EMAIL) -> User:
    user: User = ask(settings, lambda: accounts.find_user(OPERATOR, email))
    return user


def create(settings: Settings, *, role: Role = Role.DONOR, out: io.StringIO | None = None) -> None:
    users.create(settings, EMAIL, name=NAME, role=role, console=Console(out or io.StringIO()))


class TestCreate:
    def test_makes_an_account_that_can_log_in(
        self, settings: Settings, say: Say, out: io.StringIO
    ) -> None:
        say(f"{PASSWORD}\n")
        create(settings, role=Role.ADMIN, out=out)
        user = found(settings)
        assert (user.name, user.role, user.is_verified) == (NAME, Role.ADMIN, True)
        assert ask(settings, log_in).session.user_id == user.id
        assert f"{EMAIL} has an account now, as admin" in out.getvalue()
        assert PASSWORD not in out.getvalue()

    @pytest.mark.parametrize("said", ["", "\n"])
    def test_has_a_link_mailed_where_no_password_is_said(
        self, settings: Settings, say: Say, out: io.StringIO, said: str
    ) -> None:
        say(said)
        create(settings, out=out)
        assert "A link to choose a password is mailed" in out.getvalue()
        assert [name for name, _, _ in ask(settings, events)] == ["reset_requested"]

    def test_refuses_an_address_that_has_an_account(self, settings: Settings, say: Say) -> None:
        say(f"{PASSWORD}\n{PASSWORD}\n")
        create(settings)
        with pytest.raises(Invalid, match="email has already been taken"):
            create(settings)

    def test_names_everything_that_is_wrong(self, settings: Settings, say: Say) -> None:
        say("short\n")
        with pytest.raises(Invalid) as refusal:
            users.create(settings, "nobody", name=" ", role=Role.DONOR, console=Console())
        assert set(refusal.value.fields) == {"email", "name", "password"}


class TestSetPassword:
    def test_replaces_the_password(self, settings: Settings, say: Say, out: io.StringIO) -> None:
        say(f"{PASSWORD}\n{OTHER_PASSWORD}\n")
        create(settings)
        users.set_password(settings, EMAIL.upper(), Console(out))
        assert "has the new password" in out.getvalue()
        assert OTHER_PASSWORD not in out.getvalue()
        assert ask(settings, lambda: log_in(EMAIL, OTHER_PASSWORD))
        with pytest.raises(Unauthorized):
            ask(settings, log_in)

    @pytest.mark.parametrize("typed", ["", "\n", "short\n", "aaaaaaaaaaaa\n"])
    def test_refuses_what_is_no_good_password(
        self, settings: Settings, say: Say, typed: str
    ) -> None:
        say(f"{PASSWORD}\n{typed}")
        create(settings)
        with pytest.raises(Invalid, match="password"):
            users.set_password(settings, EMAIL, Console())

    def test_keeps_the_spaces_of_a_password(self, settings: Settings, say: Say) -> None:
        say(f"{PASSWORD}\n {OTHER_PASSWORD} \r\n")
        create(settings)
        users.set_password(settings, EMAIL, Console(io.StringIO()))
        assert ask(settings, lambda: log_in(EMAIL, f" {OTHER_PASSWORD} "))

    def test_refuses_what_is_no_text(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        latin = io.TextIOWrapper(io.BytesIO(b"pass\xe9 phrase long\n"), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", latin)
        with pytest.raises(Invalid, match="UTF-8"):
            users.set_password(settings, EMAIL, Console())

    def test_says_that_there_is_no_such_account(self, settings: Settings, say: Say) -> None:
        say(f"{PASSWORD}\n")
        with pytest.raises(NotFound, match=EMAIL):
            users.set_password(settings, EMAIL, Console())


class TestSetRole:
    def test_gives_another_role_once(self, settings: Settings, say: Say, out: io.StringIO) -> None:
        say(f"{PASSWORD}\n")
        create(settings)
        for _ in range(2):
            users.set_role(settings, EMAIL, Role.MANAGER, Console(out))
        assert found(settings).role == Role.MANAGER
        first, second = out.getvalue().splitlines()
        assert f"{EMAIL} is manager now" in first
        assert f"{EMAIL} is manager already" in second

    def test_says_that_there_is_no_such_account(self, settings: Settings) -> None:
        with pytest.raises(AppError, match="no such account"):
            users.set_role(settings, EMAIL, Role.ADMIN, Console())


class TestOnAnyInstance:
    def test_works_where_nothing_runs_and_says_what_to_do_before_the_first_start(
        self, tmp_path: Path, say: Say, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for one in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
            one.chmod(0o711)
        where = ["--data-dir", str(tmp_path / "data")]
        say(f"{PASSWORD}\n{PASSWORD}\n")
        make = ["user", "create", EMAIL, "--name", NAME, *where]
        assert code(*make) == 1
        assert "migrate" in capsys.readouterr().err
        assert code("migrate", *where) == 0
        assert code(*make) == 0
        assert code("user", "role", EMAIL, "admin", *where) == 0
        assert f"{EMAIL} is admin now" in capsys.readouterr().out

    def test_says_that_the_database_does_not_answer(self, settings: Settings) -> None:
        gone = Settings.load(
            data_dir=settings.data_dir,
            database_url="postgresql://x@127.0.0.1:1/x",
            redis_url="redis://unused",
        )
        with pytest.raises(Unavailable, match="does not answer"):
            users.set_role(gone, EMAIL, Role.ADMIN, Console())


def code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return int(left.value.code or 0)


class TestTerminal:
    def test_a_password_is_typed_twice_and_never_shown(self, settings: Settings) -> None:
        said = typed_at_a_terminal(
            settings, [PASSWORD, PASSWORD], "user", "create", EMAIL, "--name", NAME
        )
        assert f"{EMAIL} has an account now" in said
        assert "Repeat" in said
        assert PASSWORD not in said
        assert ask(settings, log_in)

    def test_asks_again_where_the_two_differ(self, settings: Settings) -> None:
        said = typed_at_a_terminal(
            settings,
            [PASSWORD, OTHER_PASSWORD, PASSWORD, PASSWORD],
            *("user", "create", EMAIL, "--name", NAME),
        )
        assert "do not match" in said
        assert ask(settings, log_in)


def typed_at_a_terminal(settings: Settings, answers: list[str], *arguments: str) -> str:
    """Answer each question of a command that runs at a terminal; return all that was shown."""
    ours, theirs = pty.openpty()
    environment = os.environ | {
        "DATABASE_URL": settings.secret("database_url"),
        "REDIS_URL": "redis://unused",
    }
    command = [sys.executable, "-c", "from financial_live.cli import main; main()", *arguments]
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen(command, env=environment, start_new_session=True, **streams) as process:  # type: ignore[call-overload]
        os.close(theirs)
        said = ""
        for answer in answers:
            said += read_until(ours, ": ")
            os.write(ours, f"{answer}\n".encode())
        said += read_until(ours, None)
    os.close(ours)
    assert process.returncode == 0, said
    return said


def read_until(terminal: int, end: str | None) -> str:
    """Return what is shown up to a question; None: to the end."""
    shown = b""
    with suppress(OSError):  # The terminal is gone with the last process that has it.
        while read := os.read(terminal, 1024):
            shown += read
            if end is not None and shown.decode(errors="replace").endswith(end):
                break
    return shown.decode()
