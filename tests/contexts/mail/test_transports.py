import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP, Envelope

from financial_live.config import Settings
from financial_live.contexts import columns, mail
from financial_live.contexts.mail import Folder, Smtp
from tests.contexts.mail.test_letters import written
from tests.contexts.people import EMAIL

PASSWORD = "p@ss:word/1"


class Inbox:
    """What a stub of a mail server has received, and the answer it gives to a recipient."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.answer = "250 OK"

    async def handle_RCPT(  # noqa: N802  aiosmtpd names it so.
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope
    ) -> str:
        self.envelopes.append(envelope)
        return "250 OK"


@asynccontextmanager
async def serving(inbox: Inbox) -> AsyncIterator[int]:
    """Run a mail server without TLS, and yield its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(inbox, hostname="mail.example.org", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


class TestSmtp:
    async def test_hands_the_mail_to_the_server(self) -> None:
        inbox = Inbox()
        async with serving(inbox) as port:
            await Smtp.of(f"smtp://127.0.0.1:{port}").send(written(), name="1")
        [envelope] = inbox.envelopes
        assert (envelope.mail_from, envelope.rcpt_tos) == ("give@example.org", [EMAIL])
        assert isinstance(envelope.content, bytes)
        assert b"Subject: <b>Reset</b>" in envelope.content

    async def test_takes_addresses_in_any_script(self) -> None:
        inbox = Inbox()
        async with serving(inbox) as port:
            smtp = Smtp.of(f"smtp://localhost:{port}")
            await smtp.send(written(recipient="سيتي@example.org"), name="1")
        assert inbox.envelopes[0].rcpt_tos == ["سيتي@example.org"]

    async def test_sends_nothing_to_another_machine_without_tls(self) -> None:
        inbox = Inbox()
        async with serving(inbox) as port:
            smtp = Smtp("127.0.0.1", port, None, None, is_tls=False, needs_starttls=True)
            with pytest.raises(aiosmtplib.SMTPException, match="STARTTLS"):
                await smtp.send(written(), name="1")
        assert inbox.envelopes == []

    async def test_a_refused_recipient_is_an_error(self) -> None:
        inbox = Inbox()
        inbox.answer = "550 no such user"
        async with serving(inbox) as port:
            with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
                await Smtp.of(f"smtp://localhost:{port}").send(written(), name="1")

    @pytest.mark.parametrize(
        ("url", "smtp"),
        [
            ("smtp://mail.example.org", ("mail.example.org", 587, None, None, False, True)),
            ("smtp://localhost:2525", ("localhost", 2525, None, None, False, False)),
            (
                "smtps://me:p%40ss%3Aword%2F1@mail.example.org",
                ("mail.example.org", 465, "me", PASSWORD, True, False),
            ),
        ],
    )
    def test_reads_its_address(self, url: str, smtp: tuple[Any, ...]) -> None:
        assert Smtp.of(url) == Smtp(*smtp)

    def test_does_not_show_its_password(self) -> None:
        assert PASSWORD not in repr(Smtp.of("smtps://me:p%40ss%3Aword%2F1@mail.example.org"))


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


class TestFolder:
    async def test_keeps_mails_from_other_users(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path / "mail")
        await folder.send(written(), name="1-1")
        [path] = (tmp_path / "mail").iterdir()
        assert path.name == "1-1.eml"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    async def test_a_mail_left_half_written_is_written_again(self, tmp_path: Path) -> None:
        (tmp_path / "1-1.new").write_text("half")
        await Folder(tmp_path).send(written(), name="1-1")
        assert names(tmp_path) == ["1-1.eml"]

    async def test_deletes_what_is_old_and_its_own(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        moment = columns.now()
        own = [f"{columns.new_id()}-{number}" for number in range(1, 5)]
        old = (f"{own[0]}.eml", f"{own[1]}.new")
        others = (f"{own[2]}.txt", "notes.eml", "1-1.eml", f"x{own[2]}.eml")
        new, stuck = f"{own[2]}.eml", f"{own[3]}.eml"
        (tmp_path / stuck).mkdir()
        for name in (*old, *others, new, stuck):
            (tmp_path / name).touch()
            age_s = 0 if name == new else 1
            os.utime(tmp_path / name, (moment.timestamp() - age_s,) * 2)
        await Folder(tmp_path).prune(moment)
        assert set(names(tmp_path)) == {*others, new, stuck}
        # A folder of that name cannot be deleted like a file, which is said.
        assert [record.levelname for record in caplog.records] == ["WARNING"]

    async def test_there_may_be_nothing_to_delete(self, tmp_path: Path) -> None:
        await Folder(tmp_path / "none").prune(columns.now())
        assert names(tmp_path) == []


class TestSettings:
    def test_without_a_server_mails_are_files(self, tmp_path: Path) -> None:
        settings = Settings.load(data_dir=tmp_path)
        assert mail.transport_of(settings) == Folder(tmp_path / "mail")
        assert mail.sender_of(settings) == "no-reply@localhost"

    def test_with_a_server_they_are_sent(self) -> None:
        settings = Settings.load(smtp_url="smtp://mail.example.org", mail_from="give@example.org")
        assert mail.transport_of(settings) == Smtp.of("smtp://mail.example.org")
        assert mail.sender_of(settings) == "give@example.org"

    def test_come_from_the_sites_own_host(self) -> None:
        settings = Settings.load(public_url="https://give.example.org:8443")
        assert mail.sender_of(settings) == "no-reply@give.example.org"
