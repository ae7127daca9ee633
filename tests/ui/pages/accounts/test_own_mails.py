"""Mails that no server takes are shown to whose they are, where that is right at all."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from financial_live.config import Settings
from financial_live.contexts import mail
from financial_live.contexts.mail import MailFile
from financial_live.scope import Scope
from financial_live.ui.pages.accounts.own_mails import mail_lines
from tests.contexts.factories import VISITOR

_SENT_AT = datetime(2026, 3, 7, 12, tzinfo=UTC)


class Folder:
    """A reader that notes for whom it was asked to read, and where."""

    def __init__(self) -> None:
        self.asked: list[tuple[Scope, Path]] = []

    async def read(self, scope: Scope, folder: Path) -> list[MailFile]:
        self.asked.append((scope, folder))
        return [
            MailFile(folder / f"{n}.eml", "siti@example.org", f"Mail {n}", _SENT_AT, "A link")
            for n in (2, 1)
        ]


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Return a folder with two mails, read instead of the real one."""
    folder = Folder()
    monkeypatch.setattr(mail, "own_files", folder.read)
    return folder


class TestMailLines:
    async def test_are_the_callers_in_the_order_they_are_found(
        self, folder: Folder, tmp_path: Path
    ) -> None:
        settings = Settings.load(data_dir=tmp_path)
        lines = await mail_lines(VISITOR, settings)
        assert folder.asked == [(VISITOR, mail.folder_of(settings))]
        at = int(_SENT_AT.timestamp() * 1_000_000)
        assert lines[0] == {"id": "2.eml", "subject": "Mail 2", "at": at, "text": "A link"}
        assert [line["subject"] for line in lines] == ["Mail 2", "Mail 1"]

    @pytest.mark.parametrize(
        "real", [{"smtp_url": SecretStr("smtp://mail.example.org:587")}, {"env": "production"}]
    )
    async def test_nothing_is_read_where_mails_are_sent(
        self, folder: Folder, tmp_path: Path, real: dict[str, Any]
    ) -> None:
        settings = Settings.load(data_dir=tmp_path).model_copy(update=real)
        assert await mail_lines(VISITOR, settings) == []
        assert folder.asked == []
