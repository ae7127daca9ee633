"""``financial-live build``: the pages, built where the tools for it are, to be served elsewhere."""

import os
import shutil
from pathlib import Path

from financial_live.asgi import PROJECT, build_frontend, is_complete
from financial_live.cli.console import Console
from financial_live.config import Settings
from financial_live.embedded import DataFolder
from financial_live.errors import ConfigError


def build(settings: Settings, to: Path | None, console: Console) -> Path:
    """Build the pages in the data folder, copy them to ``to`` if it is named, and say where.

    Returns the folder for FINANCIAL_LIVE_FRONTEND_DIR. Raises ConfigError when the build fails, or
    ``to`` holds something else than a build, or cannot be written to.
    """
    target = None if to is None else Path(os.path.abspath(to.expanduser()))
    if target is not None:
        _refuse_foreign(target)
    with console.step("building the pages") as step:
        ready = build_frontend(PROJECT, DataFolder(settings.data_dir))
        place = ready if target is None else _copy(ready, target)
        step.done(f"Pages built in {place}")
    console.note(f"To serve them: FINANCIAL_LIVE_FRONTEND_DIR={place}")
    return place


def _refuse_foreign(target: Path) -> None:
    """Refuse a folder that is somebody's: what is there would be replaced."""
    is_free = not target.exists() or (target.is_dir() and not any(target.iterdir()))
    if not is_free and not is_complete(target):
        raise ConfigError(f"{target} holds something else than built pages. Name another folder.")


def _copy(ready: Path, target: Path) -> Path:
    """Copy the build beside its place and move it there, so that half of it is never served."""
    draft = target.with_name(f"{target.name}.new-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(ready, draft)
        if target.exists():
            shutil.rmtree(target)
        draft.replace(target)
    except OSError as error:
        raise ConfigError(
            f"The pages cannot be put into {target}: {error.strerror or error}. "
            "Name another folder."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target
