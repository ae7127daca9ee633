import asyncio
import threading

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from financial_live.contexts.accounts import passwords
from financial_live.errors import Unavailable

KNOWN = {"email": "siti.nurhaliza@example.org", "name": "Siti Nurhaliza"}


class TestProblem:
    @pytest.mark.parametrize(
        "password", ["correct horse", "kuda yang benar", "ひらがなカタカナ漢字。", "x1y2z3" * 100]
    )
    def test_nothing_is_wrong_with_a_long_one(self, password: str) -> None:
        assert passwords.problem(password, **KNOWN) is None

    @pytest.mark.parametrize(
        ("password", "message"),
        [
            ("123456789", "should be at least 10 characters"),
            ("ab" * 501, "should be at most 1000 characters"),
            ("siti.nurhaliza@example.org", "must not be your name or your e-mail address"),
            ("Siti.Nurhaliza", "must not be your name or your e-mail address"),
            ("sitinurhaliza", "must not be your name or your e-mail address"),
            ("siti nurhaliza", "must not be your name or your e-mail address"),
            ("Password123", "is one of those that are tried first"),
            ("aaaaaaaaaaaa", "is one of those that are tried first"),
            ("abababababab", "is one of those that are tried first"),
            ("correct\x00horse", "is invalid: it has control characters"),
            ("correct\ud800horse", "is invalid: it has control characters"),
        ],
    )
    def test_says_what_is_wrong(self, password: str, message: str) -> None:
        assert passwords.problem(password, **KNOWN) == message

    def test_the_list_holds_what_the_length_lets_through(self) -> None:
        assert len(passwords._COMMON) > 100
        assert all(len(word) >= passwords.MIN_LENGTH for word in passwords._COMMON)
        assert all(word == word.casefold() for word in passwords._COMMON)


class TestHashes:
    async def test_are_argon2id_at_no_less_than_is_asked_for(self) -> None:
        parameters = extract_parameters(await passwords.hashed("correct horse"))
        assert parameters.type is Type.ID
        assert parameters.memory_cost >= 19_456
        assert parameters.time_cost >= 2

    @pytest.mark.usefixtures("quick_hashes")
    async def test_know_their_password_only(self) -> None:
        kept = await passwords.hashed("correct horse")
        assert await passwords.is_right(kept, "correct horse")
        assert not await passwords.is_right(kept, "correct horsf")
        assert not await passwords.is_right(kept, "correct\ud800horse")
        assert not await passwords.is_right("no hash", "correct horse")

    @pytest.mark.usefixtures("quick_hashes")
    async def test_of_nobody_know_none_but_are_looked_at_as_well(self, verified: list[str]) -> None:
        assert not await passwords.is_right(None, "correct horse")
        assert verified == [passwords._dummy()]

    @pytest.mark.usefixtures("quick_hashes")
    async def test_two_ways_to_type_a_letter_are_one(self) -> None:
        kept = await passwords.hashed("tr\u00e8s correct")
        assert await passwords.is_right(kept, "tre\u0300s correct")

    def test_are_outdated_once_more_is_asked_for(self) -> None:
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x")
        assert passwords.is_outdated(cheap)
        assert not passwords.is_outdated(passwords.hasher.hash("x"))


class TestThreads:
    async def test_two_at_once_and_the_event_loop_goes_on(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gate = Gate(asyncio.get_running_loop())
        monkeypatch.setattr(passwords, "hasher", gate)
        waiting = [asyncio.create_task(passwords.hashed("correct horse")) for _ in range(5)]
        await gate.two_are_in.wait()
        assert gate.now == gate.most == 2
        gate.open()
        assert await asyncio.gather(*waiting) == ["hash"] * 5
        assert gate.most == 2

    async def test_who_would_wait_too_long_is_told_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gate = Gate(asyncio.get_running_loop())
        monkeypatch.setattr(passwords, "hasher", gate)
        monkeypatch.setattr(passwords, "MAX_WAITING", 3)
        waiting = [asyncio.create_task(passwords.hashed("correct horse")) for _ in range(3)]
        await gate.two_are_in.wait()
        with pytest.raises(Unavailable):
            await passwords.hashed("correct horse")
        gate.open()
        await asyncio.gather(*waiting)
        assert await passwords.hashed("correct horse") == "hash"


class Gate:
    """A hasher that keeps everybody in until it is opened."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self.two_are_in = asyncio.Event()
        self.now = self.most = 0

    def hash(self, password: bytes) -> str:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            if self.now == 2:
                self._loop.call_soon_threadsafe(self.two_are_in.set)
        self._opened.wait(60)
        with self._lock:
            self.now -= 1
        return "hash"

    def open(self) -> None:
        self._opened.set()
