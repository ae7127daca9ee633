"""The blocks of the documentation that somebody may copy, run as they are printed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
EXAMPLES = DOCS / "rest-examples.md"

_BIN = Path(sys.executable).parent
_FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXPORTS = re.compile(r"(?:export \w+=\S+\n)+")
_COMMANDS = {
    "sh": ("sh", "-eu"),
    "python": (sys.executable,),
    "javascript": (str(_BIN / "bun"), "run"),
}
_SUFFIXES = {"sh": "sh", "python": "py", "javascript": "mjs"}
OUTPUT = "text"
PLACEHOLDERS = {
    "<id>": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "<token>": r"flt_[\w-]{43}",
}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page: where it is, its language, and what is printed in it."""

    where: str
    language: str
    text: str

    @property
    def exports(self) -> list[str]:
        """The names of the settings that it does nothing but set, if that is so."""
        if self.language != "sh" or not _EXPORTS.fullmatch(self.text):
            return []
        return [line.removeprefix("export ").split("=")[0] for line in self.text.splitlines()]

    def run(self, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run it in ``folder``. Raises KeyError for a language that nobody here speaks."""
        file = folder / f"block.{_SUFFIXES[self.language]}"
        file.write_text(self.text)
        path = f"{_BIN}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [*_COMMANDS[self.language], str(file)],
            cwd=folder,
            env={**os.environ, "PATH": path, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def is_printed_by(self, output: str) -> bool:
        """Whether ``output`` is what this block shows, with anything fitting for placeholders."""
        names = "|".join(map(re.escape, PLACEHOLDERS))
        parts = re.split(f"({names})", self.text.strip())
        pattern = "".join(PLACEHOLDERS.get(part) or re.escape(part) for part in parts)
        return re.fullmatch(pattern, output.strip()) is not None


def blocks(page: Path) -> Iterator[Block]:
    """Yield every fenced block of a page, from the top to the bottom."""
    text = page.read_text()
    for found in _FENCED.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(f"{page.name}:{line}", found[1], found[2])


def block_with(text: str, *, language: str = "sh", page: Path = EXAMPLES) -> Block:
    """Return the first block in ``language`` that contains ``text``."""
    return next(b for b in blocks(page) if b.language == language and text in b.text)
