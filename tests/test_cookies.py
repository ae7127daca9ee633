import string

import pytest
from hypothesis import given, strategies as st

from financial_live import cookies

TOKEN = "a-token_of-a-session"
LOOPBACK = ["localhost", "127.0.0.1", "::1", "LOCALHOST", "give.localhost", "127.8.8.8"]
NAMED = ["give.example.org", "203.0.113.7", "localhost.example.org", "notlocalhost", ""]

tokens = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=100)


def attributes(header: str) -> dict[str, str]:
    """Return the attributes of a Set-Cookie header, its cookie left out."""
    parts = (part.partition("=") for part in header.split("; ")[1:])
    return {name: value for name, _, value in parts}


class TestSetCookie:
    @pytest.mark.parametrize("host", LOOPBACK)
    def test_is_for_a_line_without_tls_on_the_machine_itself_only(self, host: str) -> None:
        header = cookies.set_cookie(TOKEN, host=host, max_age_s=60)
        assert header.startswith(f"financial_live={TOKEN}; ")
        assert attributes(header) == {
            "Path": "/",
            "Max-Age": "60",
            "HttpOnly": "",
            "SameSite": "Lax",
        }

    @pytest.mark.parametrize("host", NAMED)
    def test_is_secure_and_of_this_host_alone_by_a_name(self, host: str) -> None:
        header = cookies.set_cookie(TOKEN, host=host, max_age_s=60)
        assert header.startswith(f"__Host-financial_live={TOKEN}; ")
        # A browser takes a cookie of this prefix only if it is Secure, for / and without a Domain.
        assert attributes(header) == {
            "Path": "/",
            "Max-Age": "60",
            "HttpOnly": "",
            "SameSite": "Lax",
            "Secure": "",
        }

    @pytest.mark.parametrize("host", [LOOPBACK[0], NAMED[0]])
    def test_forgets_the_cookie_under_the_name_it_was_set_by(self, host: str) -> None:
        kept = cookies.set_cookie(TOKEN, host=host, max_age_s=60)
        forgotten = cookies.set_cookie("", host=host, max_age_s=0)
        assert forgotten == kept.replace(TOKEN, "").replace("Max-Age=60", "Max-Age=0")


class TestSessionToken:
    @given(token=tokens, host=st.sampled_from([*LOOPBACK, *NAMED]))
    def test_reads_what_was_set(self, token: str, host: str) -> None:
        pair = cookies.set_cookie(token, host=host, max_age_s=60).split(";")[0]
        assert cookies.session_token(f"theme=dark; {pair}; x=1", host=host) == token
        forgotten = cookies.set_cookie("", host=host, max_age_s=0).split(";")[0]
        assert cookies.session_token(forgotten, host=host) is None

    @pytest.mark.parametrize("host", NAMED)
    def test_does_not_believe_the_cookie_that_anybody_could_set(self, host: str) -> None:
        assert cookies.session_token(f"financial_live={TOKEN}", host=host) is None

    def test_believes_the_one_that_nobody_else_can_set(self) -> None:
        both = f"financial_live=other; __Host-financial_live={TOKEN}"
        assert cookies.session_token(both, host="localhost") == TOKEN
        assert cookies.session_token(both, host="give.example.org") == TOKEN

    @given(st.text(max_size=100))
    def test_reads_or_leaves_any_header(self, header: str) -> None:
        found = cookies.session_token(header, host="localhost")
        assert found is None or found


class TestCsrfToken:
    @given(tokens, tokens)
    def test_is_that_of_one_session(self, one: str, other: str) -> None:
        made = cookies.csrf_token(one)
        assert cookies.is_csrf_token(made, session=one)
        assert cookies.is_csrf_token(made, session=other) is (one == other)

    @given(st.text(max_size=100))
    def test_refuses_anything_else(self, text: str) -> None:
        assert not cookies.is_csrf_token(text, session=TOKEN)


class TestForeignSpaces:
    @pytest.mark.parametrize("space", ["\u2000", "\u0085", "\u00a0", "\x0b"])
    def test_are_a_part_of_the_name_as_they_are_for_browsers(self, space: str) -> None:
        header = f"a=1; {space}{cookies.SECURE_NAME}=foreign"
        assert cookies.session_token(header, host="give.example.org") is None
        both = f"{cookies.SECURE_NAME}=own; {space}{cookies.SECURE_NAME}=foreign"
        assert cookies.session_token(both, host="give.example.org") == "own"
