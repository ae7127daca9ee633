"""Where the server listens, and how it is refused."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from financial_live.cli.workers import Gate, PortInUse, Worker, address_of, listen
from financial_live.embedded import DataFolder
from financial_live.errors import ConfigError

LOOPBACK = "127.0.0.1"


@pytest.fixture
def open_sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def port_of(one: socket.socket) -> int:
    return int(one.getsockname()[1])


class TestListen:
    @pytest.mark.parametrize("workers", [1, 3])
    def test_gives_each_worker_a_socket_on_one_port(
        self, open_sockets: ExitStack, workers: int
    ) -> None:
        found = [open_sockets.enter_context(one) for one in listen(LOOPBACK, 0, workers=workers)]
        assert len(found) == workers
        assert len({port_of(one) for one in found}) == 1

    @pytest.mark.parametrize("ours", [1, 2])
    @pytest.mark.parametrize("theirs", [1, 2])
    def test_refuses_the_port_of_another_even_of_our_own_kind(
        self, open_sockets: ExitStack, ours: int, theirs: int
    ) -> None:
        others = [open_sockets.enter_context(one) for one in listen(LOOPBACK, 0, workers=theirs)]
        with pytest.raises(PortInUse, match=r"--port \d+"):
            listen(LOOPBACK, port_of(others[0]), workers=ours)

    def test_suggests_a_port_that_is_free(self, open_sockets: ExitStack) -> None:
        taken = open_sockets.enter_context(listen(LOOPBACK, 0, workers=1)[0])
        with pytest.raises(PortInUse) as refused:
            listen(LOOPBACK, port_of(taken), workers=1)
        suggested = int(refused.value.message.rsplit(" ", 1)[1])
        open_sockets.enter_context(listen(LOOPBACK, suggested, workers=1)[0])

    @pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
    def test_says_what_to_do_with_an_address_of_somebody_else(self, host: str) -> None:
        with pytest.raises(ConfigError, match=r"--host 127\.0\.0\.1"):
            listen(host, 0, workers=1)

    def test_a_visitor_who_comes_before_the_workers_waits(self, open_sockets: ExitStack) -> None:
        listening = open_sockets.enter_context(listen(LOOPBACK, 0, workers=1)[0])
        visitor = socket.create_connection((LOOPBACK, port_of(listening)), timeout=5)
        open_sockets.enter_context(visitor)
        served, _ = listening.accept()
        open_sockets.enter_context(served)
        assert served.getpeername() == visitor.getsockname()


class TestSuccessor:
    def test_of_one_that_died_takes_visitors_at_the_same_place(self, tmp_path: Path) -> None:
        first, second = listen(LOOPBACK, 0, workers=2)
        worker = Worker(1, first, DataFolder(tmp_path))
        worker.leave_port()
        successor = worker.successor()
        with closing(second), closing(successor._listening) as held:
            assert port_of(held) == port_of(second)


class TestGate:
    def test_holds_a_reader_until_it_is_opened(self) -> None:
        gate = Gate()
        reader = os.dup(gate.read_end)
        os.set_blocking(reader, False)
        with pytest.raises(BlockingIOError):
            os.read(reader, 1)
        gate.open()
        assert os.read(reader, 1) == b""
        os.close(reader)

    def test_opening_it_twice_does_nothing(self) -> None:
        gate = Gate()
        gate.open()
        gate.open()
        assert gate.read_end == -1


class TestAddressOf:
    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("127.0.0.1", "http://127.0.0.1:80"),
            ("0.0.0.0", "http://127.0.0.1:80"),
            ("::", "http://[::1]:80"),
            ("::1", "http://[::1]:80"),
            ("give.example.org", "http://give.example.org:80"),
        ],
    )
    def test_is_where_a_program_of_this_machine_reaches_it(self, host: str, address: str) -> None:
        assert address_of(host, 80) == address
