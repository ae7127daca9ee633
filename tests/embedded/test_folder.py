"""The lock of a data folder and the announcement of who runs in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from financial_live.embedded import DataFolder, Instance
from financial_live.errors import ConfigError

HERE = Instance(os.getpid(), "http://127.0.0.1:8123", "postgresql://here", "unix:///here")


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "a folder with ünïcode")


class TestLock:
    def test_is_held_only_inside(self, folder: DataFolder) -> None:
        with folder.lock():
            assert folder.is_locked()
        assert not folder.is_locked()

    def test_refuses_a_second_holder_and_names_the_first(self, folder: DataFolder) -> None:
        second = DataFolder(folder.path)
        with folder.lock():
            folder.announce(HERE)
            with pytest.raises(ConfigError) as refused, second.lock():
                pytest.fail("two hold the lock")
        assert f"process {os.getpid()}" in refused.value.message
        assert HERE.address in refused.value.message
        assert "--data-dir" in refused.value.message

    def test_is_freed_when_its_holder_is_killed(self, folder: DataFolder) -> None:
        program = (
            "import sys, time; from pathlib import Path\n"
            "from financial_live.embedded import DataFolder\n"
            f"with DataFolder(Path({str(folder.path)!r})).lock():\n"
            "    print('held', flush=True); time.sleep(60)\n"
        )
        holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert folder.is_locked()
        holder.kill()
        holder.communicate()
        with folder.lock():
            assert folder.is_locked()

    def test_says_what_to_do_where_no_folder_can_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a folder")
        with pytest.raises(ConfigError, match="--data-dir"), DataFolder(tmp_path / "file").lock():
            pytest.fail("a file was taken for a folder")


class TestRunning:
    def test_is_nobody_in_a_new_folder(self, folder: DataFolder) -> None:
        assert folder.running() is None

    def test_is_who_announced_itself(self, folder: DataFolder) -> None:
        with folder.lock():
            folder.announce(HERE)
            assert folder.running() == HERE

    def test_ends_with_the_lock(self, folder: DataFolder) -> None:
        with folder.lock():
            folder.announce(HERE)
        assert folder.running() is None
        assert not (folder.path / "instance.json").exists()

    def test_ignores_what_a_killed_one_left(self, folder: DataFolder) -> None:
        folder.create()
        folder.announce(HERE)
        assert folder.running() is None

    def test_ignores_a_broken_announcement(self, folder: DataFolder) -> None:
        with folder.lock():
            (folder.path / "instance.json").write_text("{")
            assert folder.running() is None

    def test_the_announcement_is_for_its_owner_only(self, folder: DataFolder) -> None:
        folder.create()
        folder.announce(HERE)
        assert (folder.path / "instance.json").stat().st_mode & 0o777 == 0o600


class TestLogs:
    def test_are_appended_to(self, folder: DataFolder) -> None:
        folder.create()
        for line in (b"one\n", b"two\n"):
            with folder.open_log("part") as log:
                log.write(line)
        assert folder.log_file("part").read_bytes() == b"one\ntwo\n"

    def test_a_large_one_is_put_aside(self, folder: DataFolder) -> None:
        folder.create()
        with folder.log_file("part").open("wb") as file:
            file.truncate(11_000_000)
        with folder.open_log("part") as log:
            log.write(b"new\n")
        assert folder.log_file("part").read_bytes() == b"new\n"
        assert (folder.log / "part.log.1").stat().st_size == 11_000_000
