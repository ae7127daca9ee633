"""Addresses: what is a host of this machine, an origin, a database, a bus."""

import re
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import URL, make_url

_POSTGRES_SCHEME = re.compile(r"^(postgres|postgresql|postgresql\+psycopg)://")
# Words joined by dots (RFC 5322's dot-atom) on both sides of one @.
_WORDS = r"[^\s()<>\[\]:;@\\,\".]+(\.[^\s()<>\[\]:;@\\,\".]+)*"
_MAILBOX = re.compile(f"{_WORDS}@{_WORDS}")
_REDIS_SCHEMES = ("redis", "rediss", "unix")
# libpq's own word for "the certificates the system trusts".
_SYSTEM_CERTIFICATES = "system"
_SYSTEM_CA_FILES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/cert.pem"),
)


def is_loopback_host(host: str) -> bool:
    """Whether this name or address, without its port, always means this very machine."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def visitor_address(forwarded: str, peer: str, *, hops: int) -> str:
    """Return where a request comes from, behind so many proxies of ours.

    ``forwarded`` is its X-Forwarded-For, which anybody may begin, but only our proxies end.
    """
    given = [part.strip() for part in forwarded.split(",") if part.strip()]
    return given[-hops] if 0 < hops <= len(given) else peer


def network_of(address: str) -> str:
    """Return what counts as one address: of IPv6 the 64 bits that one customer has."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ip_network((int(known), 64), strict=False).network_address)


def is_origin(text: str) -> bool:
    """Whether the text is an origin as a browser sends it: scheme, host and perhaps a port."""
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    plain = parts.scheme in ("http", "https") and "*" not in text and "@" not in parts.netloc
    return plain and has_host and text == f"{parts.scheme}://{parts.netloc}"


def postgres_url(text: str) -> URL:
    """Read an address of PostgreSQL. Raises ValueError or ArgumentError, with it in the text."""
    if not _POSTGRES_SCHEME.match(text):
        raise ValueError("not a PostgreSQL address")
    return make_url(_POSTGRES_SCHEME.sub("postgresql+psycopg://", text))


def is_redis_url(text: str) -> bool:
    """Whether this is an address of Valkey or Redis."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    place = parts.path if parts.scheme == "unix" else parts.hostname
    return parts.scheme in _REDIS_SCHEMES and bool(place)


def is_smtp_url(text: str) -> bool:
    """Whether this is the address of a mail server."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    is_whole = bool(parts.hostname) and not (parts.path.strip("/") or parts.query or parts.fragment)
    return parts.scheme in ("smtp", "smtps") and is_whole


def is_mailbox(text: str) -> bool:
    """Whether this is one plain e-mail address: no name beside it, no list, nothing quoted.

    Letters may be of any script (RFC 6531).
    """
    return text.isprintable() and _MAILBOX.fullmatch(text) is not None


def is_socket(url: URL) -> bool:
    """Whether the database is reached over a Unix socket, which needs no TLS."""
    host = url.query.get("host", url.host or "")
    return str(host).startswith("/") or not host


def system_certificates() -> str:
    """Return the file of the certificates that the system trusts, or libpq's word for them."""
    # psycopg's wheels carry an OpenSSL that may look for certificates where its builder kept them,
    # so the usual places are tried before libpq is left to find them.
    return next((str(path) for path in _SYSTEM_CA_FILES if path.is_file()), _SYSTEM_CERTIFICATES)
