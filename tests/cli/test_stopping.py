"""What each further Ctrl-C does."""

import os
import signal
import subprocess
import sys

import pytest

from financial_live.cli.stopping import Hurried, Stopped, StopSignals


class Clock:
    """A time that passes when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class TestReceive:
    def test_the_first_is_noted_and_seen_at_the_next_safe_point(self) -> None:
        stop = StopSignals()
        stop.check()
        stop.receive(signal.SIGINT)
        assert stop.requested
        with pytest.raises(Stopped):
            stop.check()

    def test_the_second_interrupts(self) -> None:
        clock = Clock()
        stop = StopSignals(clock)
        stop.receive(signal.SIGINT)
        clock.now += 1
        with pytest.raises(Hurried):
            stop.receive(signal.SIGINT)

    def test_the_copy_that_a_wrapper_passes_on_is_not_a_second_one(self) -> None:
        stop = StopSignals(Clock())
        stop.receive(signal.SIGINT)
        stop.receive(signal.SIGINT)
        with pytest.raises(Stopped):
            stop.check()

    def test_is_not_swallowed_by_what_handles_errors(self) -> None:
        assert not issubclass(Stopped, Exception)
        assert not issubclass(Hurried, Exception)


class TestHangup:
    def test_asks_for_new_workers_once(self) -> None:
        stop = StopSignals()
        assert not stop.take_renewal()
        stop.receive(signal.SIGHUP)
        assert not stop.requested
        assert stop.take_renewal()
        assert not stop.take_renewal()

    def test_means_to_stop_when_the_terminal_is_gone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "isatty", lambda descriptor: descriptor == 1)
        stop = StopSignals()
        stop.receive(signal.SIGHUP)
        assert not stop.requested
        monkeypatch.setattr(os, "isatty", lambda _: False)
        stop.receive(signal.SIGHUP)
        assert stop.requested


class TestStopSignals:
    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
    def test_takes_each_way_to_be_asked(self, signum: signal.Signals) -> None:
        program = (
            "import time\nfrom financial_live.cli.stopping import StopSignals\n"
            "with StopSignals() as stop:\n"
            "    print('ready', flush=True)\n"
            "    while not stop.requested:\n"
            "        time.sleep(0.01)\n"
            "    print(stop.requested, flush=True)\n"
        )
        child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        os.kill(child.pid, signum)
        said, _ = child.communicate()
        assert said == b"True\n"
        assert child.returncode == 0

    def test_gives_the_handlers_back_when_nobody_asked(self) -> None:
        before = signal.getsignal(signal.SIGTERM)
        with StopSignals():
            assert signal.getsignal(signal.SIGTERM) != before
        assert signal.getsignal(signal.SIGTERM) == before
