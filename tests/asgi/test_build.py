"""When the frontend is built, and what becomes of a build. The builder here is a stand-in."""

import os
import signal
import threading
from pathlib import Path

import pytest

from financial_live.asgi import build, build_frontend, is_complete, present_frontend, source_hash
from financial_live.embedded import DataFolder
from financial_live.errors import ConfigError

# It takes the place of ``reflex export``: the folders it leaves are those Reflex leaves.
BUILDER = """
import os, pathlib, shutil, sys
print("PATH is", os.environ["PATH"])
if pathlib.Path("broken").exists():
    sys.exit("the page is broken")
with open("builds", "a") as log:
    log.write("built\\n")
client = pathlib.Path(".web/build/client")
shutil.rmtree(".web/build", ignore_errors=True)
(client / "assets").mkdir(parents=True)
(client / "index.html").write_text(pathlib.Path("financial_live/ui/page.py").read_text())
if not pathlib.Path("no-endpoints").exists():
    (client / "assets" / "reflex-env-1.js").write_text("`http://localhost:8000/ping`")
backend = pathlib.Path(".web/backend")
backend.mkdir(exist_ok=True)
(backend / "stateful_pages.json").write_text("[]")
pathlib.Path("reflex.lock").mkdir(exist_ok=True)
pathlib.Path("reflex.lock/bun.lock").write_text("locked")
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / "financial_live" / "ui").mkdir(parents=True)
    (root / "assets").mkdir()
    (root / "financial_live" / "ui" / "page.py").write_text("first")
    (root / "rxconfig.py").write_text("")
    package = root / "reflex"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(BUILDER)
    monkeypatch.setenv("PYTHONPATH", str(root))
    return root


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


def builds(root: Path) -> int:
    log = root / "builds"
    return len(log.read_text().splitlines()) if log.exists() else 0


class TestBuildFrontend:
    def test_builds_the_first_time(self, root: Path, folder: DataFolder) -> None:
        ready = build_frontend(root, folder)
        assert is_complete(ready)
        assert ready.parent == folder.frontend
        assert (ready / "client" / "index.html").read_text() == "first"
        assert (ready / "backend" / "stateful_pages.json").read_text() == "[]"
        assert builds(root) == 1

    def test_does_not_build_unchanged_sources_again(self, root: Path, folder: DataFolder) -> None:
        first = build_frontend(root, folder)
        assert build_frontend(root, folder) == first
        assert builds(root) == 1

    def test_a_rebuild_leaves_what_is_being_served(self, root: Path, folder: DataFolder) -> None:
        first = build_frontend(root, folder)
        (root / "financial_live" / "ui" / "page.py").write_text("second")
        second = build_frontend(root, folder)
        assert (first / "client" / "index.html").read_text() == "first"
        assert (second / "client" / "index.html").read_text() == "second"

    def test_removes_all_but_the_last_two(self, root: Path, folder: DataFolder) -> None:
        for number, text in enumerate(("one", "two", "three", "four")):
            (root / "financial_live" / "ui" / "page.py").write_text(text)
            ready = build_frontend(root, folder)
            # Times on the disk are too coarse to order builds that take no time.
            os.utime(ready, (number, number))
        kept = {(one / "client" / "index.html").read_text() for one in folder.frontend.iterdir()}
        assert kept == {"three", "four"}

    def test_gives_the_builder_bun_and_no_node(self, root: Path, folder: DataFolder) -> None:
        build_frontend(root, folder)
        path = folder.log_file("frontend").read_text().split("PATH is ")[1].strip()
        assert path == str(build.bun_binary().parent)
        assert [one.name for one in Path(path).iterdir()] == ["bun"]

    def test_shows_the_end_of_a_failed_build_and_keeps_its_log(
        self, root: Path, folder: DataFolder
    ) -> None:
        (root / "broken").touch()
        with pytest.raises(ConfigError, match="the page is broken"):
            build_frontend(root, folder)
        assert "the page is broken" in folder.log_file("frontend").read_text()
        assert not is_complete(folder.frontend / source_hash(root))

    def test_works_once_the_sources_do(self, root: Path, folder: DataFolder) -> None:
        (root / "broken").touch()
        with pytest.raises(ConfigError):
            build_frontend(root, folder)
        (root / "broken").unlink()
        assert is_complete(build_frontend(root, folder))

    def test_refuses_a_build_whose_address_could_not_be_set(
        self, root: Path, folder: DataFolder
    ) -> None:
        (root / "no-endpoints").touch()
        with pytest.raises(ConfigError, match="reflex-env"):
            build_frontend(root, folder)

    def test_says_what_to_do_where_the_sources_are_not(
        self, tmp_path: Path, folder: DataFolder
    ) -> None:
        with pytest.raises(ConfigError, match="FINANCIAL_LIVE_FRONTEND_DIR"):
            build_frontend(tmp_path, folder)

    def test_says_what_to_do_where_nothing_can_be_written(
        self, root: Path, folder: DataFolder
    ) -> None:
        (root / ".web").write_text("not a folder")
        with pytest.raises(ConfigError, match="cannot be written to"):
            build_frontend(root, folder)

    def test_two_at_once_build_once(self, root: Path, folder: DataFolder) -> None:
        found: list[Path] = []
        together = [
            threading.Thread(target=lambda: found.append(build_frontend(root, folder)))
            for _ in range(2)
        ]
        for one in together:
            one.start()
        for one in together:
            one.join()
        assert len(set(found)) == 1
        assert builds(root) == 1

    def test_ends_the_builder_when_told_to_give_up(self, root: Path, folder: DataFolder) -> None:
        (root / "reflex" / "__main__.py").write_text(
            "import os, signal\nopen('pid', 'w').write(str(os.getpid()))\nsignal.pause()\n"
        )

        def interrupt_once_it_runs() -> None:
            if (root / "pid").exists() and (root / "pid").read_text():
                raise InterruptedError

        with pytest.raises(InterruptedError):
            build_frontend(root, folder, tick=interrupt_once_it_runs)
        with pytest.raises(ProcessLookupError):
            os.kill(int((root / "pid").read_text()), signal.SIG_DFL)


class TestPresentFrontend:
    def test_is_that_of_the_present_sources_only(self, root: Path, folder: DataFolder) -> None:
        assert present_frontend(root, folder) is None
        ready = build_frontend(root, folder)
        assert present_frontend(root, folder) == ready
        (root / "rxconfig.py").write_text("changed")
        assert present_frontend(root, folder) is None


class TestSourceHash:
    @pytest.mark.parametrize(
        "path",
        [
            "financial_live/ui/pages/new.py",
            "financial_live/financial_live.py",
            "financial_live/routes.py",
            "financial_live/money.py",
            "assets/site.css",
            "rxconfig.py",
            "reflex.lock/bun.lock",
        ],
    )
    def test_changes_with_every_source(self, root: Path, path: str) -> None:
        before = source_hash(root)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("changed")
        assert source_hash(root) != before

    @pytest.mark.parametrize(
        "path", ["financial_live/ui/__pycache__/page.pyc", "financial_live/db.py", "README.md"]
    )
    def test_stays_when_something_else_changes(self, root: Path, path: str) -> None:
        before = source_hash(root)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("changed")
        assert source_hash(root) == before

    def test_changes_when_a_source_moves(self, root: Path) -> None:
        before = source_hash(root)
        page = root / "financial_live" / "ui" / "page.py"
        page.rename(page.with_name("other.py"))
        assert source_hash(root) != before


class TestBuildEnvironment:
    def test_carries_no_secret_into_the_build(
        self, root: Path, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://u:hunter2@h/d")
        monkeypatch.setenv("FINANCIAL_LIVE_PORT", "1")
        (root / "reflex" / "__main__.py").write_text(
            f"import os\nprint(sorted(os.environ))\n{BUILDER}"
        )
        build_frontend(root, folder)
        said = folder.log_file("frontend").read_text()
        assert "DATABASE_URL" not in said
        assert "FINANCIAL_LIVE_PORT" not in said
        assert "REFLEX_TELEMETRY_ENABLED" in said
