"""Passwords: which are good enough, and how they are kept.

Argon2id (RFC 9106), above what OWASP asks for: 32 MiB, three passes, one lane. A hash takes a
twentieth of a second and must not hold up the event loop, so it runs in one of two threads; more
at once would only fill the memory.
"""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from financial_live.errors import Unavailable

MIN_LENGTH = 10
MAX_LENGTH = 1_000
# What waits here has a visitor who waits; past this many the answer would come too late.
MAX_WAITING = 100

# The commonest of those that are long enough. Shorter ones are refused for their length.
_COMMON = frozenset(Path(__file__).with_name("common_passwords.txt").read_text().split())

_Result = TypeVar("_Result")

hasher = PasswordHasher(time_cost=3, memory_cost=32_768, parallelism=1)
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")
_waiting = 0


def problem(password: str, *, email: str, name: str) -> str | None:
    """Return what is wrong with a new password of somebody with this address and name, or None."""
    if len(password) < MIN_LENGTH:
        return f"should be at least {MIN_LENGTH} characters"
    if len(password) > MAX_LENGTH:
        return f"should be at most {MAX_LENGTH} characters"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in password):
        return "is invalid: it has control characters"
    plain = password.casefold()
    known = {email.casefold(), email.partition("@")[0].casefold(), name.casefold()}
    if plain in known or plain.replace(" ", "") in {word.replace(" ", "") for word in known}:
        return "must not be your name or your e-mail address"
    if plain in _COMMON or len(set(plain)) < 3:
        return "is one of those that are tried first"
    return None


async def hashed(password: str) -> str:
    """Return the hash to keep. Raises Unavailable when too many wait for theirs."""
    return await _in_thread(lambda: hasher.hash(_bytes(password)))


async def is_right(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one of this hash; never, where there is none.

    Takes as long either way, so that nobody learns whether there is an account. Raises Unavailable
    when too many wait.
    """
    return await _in_thread(lambda: _verify(password_hash, _bytes(password)))


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other costs than are asked for now."""
    return hasher.check_needs_rehash(password_hash)


def _bytes(password: str) -> bytes:
    """Return the same bytes for what looks the same, on whatever keyboard it was typed."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")


def _verify(password_hash: str | None, password: bytes) -> bool:
    dummy = _dummy()
    try:
        hasher.verify(password_hash or dummy, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@lru_cache(maxsize=1)
def _dummy() -> str:
    return hasher.hash(secrets.token_bytes(16))


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    global _waiting
    if _waiting >= MAX_WAITING:
        raise Unavailable("Too many people are logging in right now; try again in a moment.")
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, work)
    finally:
        _waiting -= 1
