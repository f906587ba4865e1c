"""The configurations that come with cellfab, and how a name finds one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cellfab.config.problems import Location, Problem, Source, closest, config_error

RUNNABLE = ("scenarios", "lines")
"""Folders whose files can be run: scenarios, fleets of them, and bare lines; the others hold parts."""


def folder() -> Path:
    """Where the shipped configurations lie: beside the code in an installed package, in `configs/` in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent.parent / "configs"


@cache
def _shipped(root: Path) -> dict[str, Path]:
    """Every shipped file by its path below the folder without ending ("scenarios/ess_from_4680")."""
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in sorted(root.rglob("*.yaml"))}


def names() -> list[str]:
    """Names of the shipped scenarios, fleets and lines, lines last."""
    files = _shipped(folder())
    return [name.split("/", 1)[1] for kind in RUNNABLE for name in files if name.startswith(f"{kind}/")]


def parts() -> list[str]:
    """Names of every shipped file with its folder: "cells/lfp_4680"."""
    return list(_shipped(folder()))


def lookup(name: str) -> Path | None:
    """The shipped file of a name: "ess_from_4680", "scenarios/ess_from_4680" or "cells/lfp_4680.yaml"; None if none."""
    plain = name.removesuffix(".yaml").removesuffix(".yml").removeprefix("configs/")
    files = _shipped(folder())
    for candidate in (plain, *(f"{kind}/{plain}" for kind in RUNNABLE)):
        if candidate in files:
            return files[candidate]
    return None


def find(path_or_name: str | Path) -> Path:
    """The file that a user means: an existing path, or the name of a shipped scenario or line.

    Raises
    ------
    ConfigError
        If there is neither; with the closest shipped name, or the closest file of the same folder.
    """
    path = Path(path_or_name)
    shown = "".join(letter if letter.isprintable() else "?" for letter in str(path_or_name)[:200])
    try:
        if path.is_file() or (path.exists() and lookup(str(path_or_name)) is None):
            return path
        beside = path.with_name(path.name + ".yaml") if path.name and path.suffix not in (".yaml", ".yml") else None
        if beside is not None and beside.is_file():
            return beside
    except (OSError, ValueError):
        raise config_error([Problem(Location(Source(shown)), "", "is not a file name")]) from None
    shipped = lookup(str(path_or_name))
    if shipped is not None:
        return shipped
    looks_like_path = len(path.parts) > 1 or path.suffix in (".yaml", ".yml")
    message = (
        "there is no such file" if looks_like_path else "there is no such file, and no shipped scenario of that name"
    )
    raise config_error([Problem(Location(Source(shown)), "", message, suggestion(path))])


def suggestion(path: Path, written: Path | None = None) -> str:
    """Did-you-mean for a path that does not exist: files beside it, then shipped names.

    Parameters
    ----------
    path : Path
        Where the file was looked for.
    written : Path, optional
        How it was written, if relative to something else than the working directory.
    """
    written = path if written is None else written
    try:
        beside = [str(written.with_name(entry.name)) for entry in path.parent.glob("*.y*ml")]
    except (OSError, ValueError):
        beside = []
    close = closest(str(written), beside) or closest(written.stem, names())
    return f"did you mean '{close}'?" if close else ""
