"""Removes each check of rights from the contexts, one after another: a test must notice each.

``uv run python tests/mutate_rights.py [PART]``: only those whose place has PART in it. Each is
removed from a copy of the tree, never from the tree itself. Exits 1 if one goes unnoticed.
"""

import ast
import copy
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONTEXTS = ROOT / "financial_live" / "contexts"
COPIED = ("financial_live", "tests", "alembic", "pyproject.toml", "docs")
# What each of them is replaced by: the answer to somebody who may.
CHECKS = {
    "require": "None",
    "require_user": "scope.user_id",
    "may": "True",
    "allows": "True",
    "_refuse_other": "None",
}
# What somebody sees of gifts, asked before: as if they saw it.
SIGHTS = ("sees_all", "sees_emails")
TIMEOUT_S = 300
AT_ONCE = 2


@dataclass(frozen=True)
class Mutant:
    """A file without one of its checks."""

    place: str
    function: str
    file: Path
    source: str


class Remover(ast.NodeTransformer):
    """Puts ``answer`` in the place of ``check``."""

    def __init__(self, check: ast.expr, answer: str) -> None:
        self.at = span(check)
        self.answer = ast.parse(answer, mode="eval").body

    def _is_it(self, node: ast.AST) -> bool:
        return isinstance(node, ast.expr) and span(node) == self.at

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return self.answer if self._is_it(node.value) else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return self.answer if self._is_it(node) else self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return self.answer if self._is_it(node) else self.generic_visit(node)


def span(node: ast.expr) -> tuple[int, int, int | None, int | None]:
    """Return where an expression begins and ends."""
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def answer_of(node: ast.AST) -> str | None:
    """Return what takes the place of a check; None for what is none."""
    if isinstance(node, ast.Attribute):
        return "True" if node.attr in SIGHTS else None
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute):
        return CHECKS.get(node.func.attr)
    return CHECKS.get(node.func.id) if isinstance(node.func, ast.Name) else None


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions of a file, and those of its classes."""
    for node in tree.body:
        for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                yield inner


def mutants() -> Iterator[Mutant]:
    """Yield the contexts' files, each without one of its checks."""
    for file in sorted(CONTEXTS.rglob("*.py")):
        tree = ast.parse(file.read_text())
        for function in functions(tree):
            for check in ast.walk(function):
                answer = answer_of(check)
                if answer is not None and isinstance(check, ast.expr):
                    changed = Remover(check, answer).visit(copy.deepcopy(tree))
                    source = ast.unparse(ast.fix_missing_locations(changed))
                    place = f"{file.relative_to(CONTEXTS)}:{check.lineno} {ast.unparse(check)}"
                    yield Mutant(place, function.name, file, source)


def concerning(mutant: Mutant) -> list[str]:
    """Return which tests notice it: those of a use case first of all; of a helper, all of them."""
    return [] if mutant.function.startswith("_") else ["-k", mutant.function]


def is_noticed(mutant: Mutant) -> bool:
    """Whether a test fails without the check; those that concern it are asked before the others."""
    with tempfile.TemporaryDirectory(prefix="financial-live-mutant-") as folder:
        for name in COPIED:
            source, target = ROOT / name, Path(folder) / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        (Path(folder) / mutant.file.relative_to(ROOT)).write_text(mutant.source)
        return fails(folder, concerning(mutant)) or fails(folder, [])


def fails(folder: str, chosen: list[str]) -> bool:
    """Whether the tests of rights in ``folder`` fail. Raises RuntimeError if they could not run."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "--no-header", "--tb=no"]
    command += ["-p", "no:cacheprovider", "tests/test_rights.py", *chosen]
    run = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    nothing_chosen, failed, passed = 5, 1, 0
    if run.returncode not in {failed, passed, nothing_chosen}:
        raise RuntimeError(run.stdout + run.stderr)
    if " error" in run.stdout.splitlines()[-1]:
        raise RuntimeError(run.stdout)
    return run.returncode == failed


def main() -> int:
    """Try every mutant, say what became of each, and return the exit code."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [mutant for mutant in mutants() if part in mutant.place]
    begun = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        survived = 0
        for mutant, noticed in zip(chosen, threads.map(is_noticed, chosen), strict=True):
            survived += not noticed
            sys.stdout.write(f"{'noticed ' if noticed else 'SURVIVED'}  {mutant.place}\n")
            sys.stdout.flush()
    took_s = time.monotonic() - begun
    sys.stdout.write(f"{len(chosen)} checks removed, {survived} unnoticed, {took_s:.0f} s\n")
    return 1 if survived or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
