"""The contracts between the program's parts, which pyproject.toml spells under importlinter."""

from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parent.parent


class TestImports:
    def test_keep_the_layers_and_the_contexts_apart(self, tmp_path: Path) -> None:
        settings = str(ROOT / "pyproject.toml")

        assert lint_imports(settings, cache_dir=str(tmp_path)) == EXIT_STATUS_SUCCESS
