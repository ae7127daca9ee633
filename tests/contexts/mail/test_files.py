from collections.abc import Callable
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from financial_live import db
from financial_live.contexts import accounts, columns, mail
from financial_live.contexts.mail import Folder, Mail
from financial_live.contexts.mail.files import MOST_OWN
from financial_live.contexts.mail.models import recipient_of
from financial_live.errors import Forbidden, Unauthorized
from financial_live.scope import Role, Scope
from tests.contexts.factories import OPERATOR, VISITOR
from tests.contexts.mail.post import execute, mailer, send_all
from tests.contexts.mail.test_letters import LINK, RUDE, written
from tests.contexts.people import EMAIL, PASSWORD, make_user, registered

BUDI = "budi@example.org"
_positions = count(1)

pytestmark = pytest.mark.usefixtures("quick_hashes")


async def owner(email: str = EMAIL) -> Scope:
    return Scope.user((await make_user(email)).id)


async def sent(folder: Path, to: str = EMAIL, *, says: str | None = None) -> Path:
    """Have sent a mail to an address, whose file is to another if it ``says`` so."""
    row = Mail(
        position=next(_positions),
        kind="reset_requested",
        data={},
        attempts=1,
        next_attempt_at=None,
        sent_at=columns.now(),
        recipient=recipient_of(to),
    )
    async with db.transaction() as session:
        session.add(row)
    message = written()
    message.replace_header("To", says or to)
    await Folder(folder).send(message, name=row.file_name)
    return folder / f"{row.file_name}.eml"


class TestFiles:
    async def test_lists_the_newest_first_with_their_links(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path)
        await folder.send(written(), name="1-1")
        await folder.send(written(recipient="سيتي@example.org"), name="2-1")
        (tmp_path / "3-1.new").write_text("half")
        newest, oldest = await mail.files(OPERATOR, tmp_path)
        assert (newest.to, newest.subject) == ("سيتي@example.org", RUDE.subject)
        assert oldest.path.name == "1-1.eml"
        assert LINK in oldest.text

    async def test_there_may_be_none(self, tmp_path: Path) -> None:
        assert await mail.files(OPERATOR, tmp_path / "none") == []

    async def test_is_the_operators(self, tmp_path: Path) -> None:
        for scope in (VISITOR, Scope.user(uuid4(), role=Role.ADMIN)):
            with pytest.raises(Forbidden):
                await mail.files(scope, tmp_path)


@pytest.mark.usefixtures("database")
class TestOwnFiles:
    async def test_lists_what_was_mailed_to_the_caller_the_newest_first(
        self, tmp_path: Path
    ) -> None:
        siti, budi = await owner(), await owner(BUDI)
        for email in (EMAIL, BUDI):
            await accounts.request_reset(VISITOR, email)
        await send_all(mailer(Folder(tmp_path)))
        await accounts.register(VISITOR, {"name": "Eve", "email": EMAIL, "password": PASSWORD})
        await send_all(mailer(Folder(tmp_path)))
        subjects = [file.subject for file in await mail.own_files(siti, tmp_path)]
        assert subjects == ["You have an account already", "Choose a new password"]
        [only] = await mail.own_files(budi, tmp_path)
        assert only.to == BUDI
        assert "token=" in only.text

    async def test_an_address_that_is_not_proven_has_none(self, tmp_path: Path) -> None:
        scope = Scope.user(await registered())
        await sent(tmp_path)
        assert await mail.own_files(scope, tmp_path) == []
        await execute("UPDATE user_account SET verified_at = now()")
        assert len(await mail.own_files(scope, tmp_path)) == 1

    @pytest.mark.parametrize(
        "says", [BUDI, f"{EMAIL}, {BUDI}", f'"{EMAIL}" <{BUDI}>', f"x{EMAIL}", "siti@example.com"]
    )
    async def test_never_shows_what_is_to_another_address(self, tmp_path: Path, says: str) -> None:
        siti = await owner()
        await sent(tmp_path, says=says)
        assert await mail.own_files(siti, tmp_path) == []

    @pytest.mark.parametrize("email", [EMAIL, "سيتي@example.org"])
    async def test_large_letters_are_the_same_address(self, tmp_path: Path, email: str) -> None:
        scope = await owner(email)
        path = await sent(tmp_path, email, says=email.upper())
        assert [file.path for file in await mail.own_files(scope, tmp_path)] == [path]

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda path: path.unlink(),
            lambda path: path.write_bytes(b""),
            lambda path: path.write_bytes(b"\xff\x00\n\nTo: siti@example.org"),
            lambda path: path.write_bytes(
                b"To: siti@example.org\nContent-Type: text/plain; charset=none\n\nx"
            ),
            lambda path: (path.unlink(), path.mkdir()),
        ],
    )
    async def test_a_file_that_is_broken_or_gone_does_not_hide_the_others(
        self, tmp_path: Path, spoil: Callable[[Path], object]
    ) -> None:
        siti = await owner()
        oldest, middle, newest = [await sent(tmp_path) for _ in range(3)]
        spoil(middle)
        assert [file.path for file in await mail.own_files(siti, tmp_path)] == [newest, oldest]

    async def test_lists_the_last_twenty(self, tmp_path: Path) -> None:
        siti = await owner()
        paths = [await sent(tmp_path) for _ in range(MOST_OWN + 1)]
        found = await mail.own_files(siti, tmp_path)
        assert [file.path for file in found] == paths[:0:-1]

    async def test_opens_no_file_of_anybody_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        siti = await owner()
        path = await sent(tmp_path)
        await sent(tmp_path, BUDI)
        await Folder(tmp_path).send(written(recipient=EMAIL), name="of-an-earlier-database")
        opened: list[Path] = []

        def read(path: Path) -> bytes:
            opened.append(path)
            return b"To: siti@example.org\nDate: Sat, 07 Mar 2026 12:00:00 +0000\n\n"

        monkeypatch.setattr(Path, "read_bytes", read)
        assert len(await mail.own_files(siti, tmp_path)) == 1
        assert opened == [path]

    async def test_is_for_who_is_logged_in(self, tmp_path: Path) -> None:
        with pytest.raises(Unauthorized):
            await mail.own_files(VISITOR, tmp_path)
        with pytest.raises(Forbidden):
            await mail.own_files(OPERATOR, tmp_path)
