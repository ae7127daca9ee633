from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from financial_live.contexts.accounts import Purpose
from financial_live.contexts.mail import LETTERS, Letter
from financial_live.contexts.mail.letters import message
from tests.contexts.mail.post import text_of

LINK = "https://give.example.org/reset?token=a&b=<c>"
MOMENT = datetime(2026, 3, 7, 12, tzinfo=UTC)
RUDE = Letter(Purpose.RESET, "<b>Reset</b>", "1 < 2 & 3", "<i>Here</i>", "<script>")


def written(letter: Letter = RUDE, *, recipient: str = "siti@example.org") -> EmailMessage:
    return message(
        letter,
        sender="give@example.org",
        recipient=recipient,
        link=LINK,
        message_id="<1-1@example.org>",
        moment=MOMENT,
    )


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


class TestMessage:
    @pytest.mark.parametrize("kind", LETTERS)
    def test_says_the_same_in_text_and_html(self, kind: str) -> None:
        mail = written(LETTERS[kind])
        assert mail["Subject"]
        for text in (text_of(mail), html_of(mail)):
            assert LETTERS[kind].before.split()[0] in text
            assert "The link works once, for " in text
        assert LINK in text_of(mail)

    def test_has_the_headers_of_a_mail(self) -> None:
        mail = message_from_bytes(written().as_bytes(), policy=policy.default)
        assert mail["From"] == "give@example.org"
        assert mail["To"] == "siti@example.org"
        assert mail["Date"].datetime == MOMENT
        assert mail["Message-ID"] == "<1-1@example.org>"
        assert mail["Auto-Submitted"] == "auto-generated"

    def test_escapes_everything_in_html(self) -> None:
        html = html_of(written())
        for raw in ("<b>", "<i>", "<script>", "1 < 2 & 3", "<c>", "&b="):
            assert raw not in html
        assert "token=a&amp;b=&lt;c&gt;" in html

    def test_says_how_long_the_link_works(self) -> None:
        assert "for 1 hour." in text_of(written(LETTERS["reset_requested"]))
        assert "for 3 days." in text_of(written(LETTERS["user_registered"]))

    @pytest.mark.parametrize(
        "recipient", ["a@example.org, b@example.org", "a@example.org\nBcc: b@example.org", "a"]
    )
    def test_goes_to_one_address_only(self, recipient: str) -> None:
        with pytest.raises(ValueError, match="not one e-mail address"):
            written(recipient=recipient)
