"""What the tests of accounts share."""

import pytest

from financial_live.contexts.accounts import passwords
from tests.contexts.people import quick_hashes, still_clock

__all__ = ["quick_hashes", "still_clock", "verified"]


@pytest.fixture
def verified(quick_hashes: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the hashes that passwords were compared with, in order."""
    hashes: list[str] = []

    class Watched:
        def __init__(self) -> None:
            self._hasher = passwords.hasher
            self.hash = self._hasher.hash
            self.check_needs_rehash = self._hasher.check_needs_rehash

        def verify(self, password_hash: str, password: bytes) -> bool:
            hashes.append(password_hash)
            return self._hasher.verify(password_hash, password)

    monkeypatch.setattr(passwords, "hasher", Watched())
    return hashes
