"""The cookie that says who a browser is, and the token that proves that a page of ours asks.

The cookie holds a session's token, which no script can read. Where a site is reached by a name, it
is ``Secure`` and named so that neither another site nor a subdomain can set it; only the machine
itself, by a loopback name, is trusted without TLS.
"""

import hashlib
import hmac

from financial_live.config import is_loopback_host

NAME = "financial_live"
SECURE_NAME = f"__Host-{NAME}"
_CSRF = b"financial_live csrf"


def session_token(header: str, *, host: str) -> str | None:
    """Return the session's token from a Cookie header that came to ``host``, a name without port.

    The cookie for loopback names counts there only.
    """
    cookies = _cookies(header)
    found = cookies.get(SECURE_NAME)
    if found is None and is_loopback_host(host):
        found = cookies.get(NAME)
    return found or None


def _cookies(header: str) -> dict[str, str]:
    """Return the cookies by their exact names.

    Only what browsers strip is stripped: any other space is a part of the name, or a subdomain
    could set a name that browsers take for another than we do.
    """
    pairs = (part.strip(" \t").partition("=") for part in header.split(";"))
    return {name: value for name, sign, value in pairs if sign}


def set_cookie(token: str, *, host: str, max_age_s: int) -> str:
    """Return the Set-Cookie header that keeps ``token`` for so many seconds; 0 forgets it."""
    attributes = f"Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax"
    secure = "" if is_loopback_host(host) else "; Secure"
    return f"{name_at(host)}={token}; {attributes}{secure}"


def name_at(host: str) -> str:
    """Return what the cookie is named that is set at ``host``, a name without port."""
    return NAME if is_loopback_host(host) else SECURE_NAME


def csrf_token(token: str) -> str:
    """Return what a page of this session sends with each request that changes something."""
    return hmac.new(_CSRF, token.encode(), hashlib.sha256).hexdigest()


def is_csrf_token(given: str, *, session: str) -> bool:
    """Whether ``given`` is the CSRF token of the session whose token is ``session``."""
    return hmac.compare_digest(given.encode(), csrf_token(session).encode())
