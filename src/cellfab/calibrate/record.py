"""Reading a record: a YAML file, or the name of one that is shipped."""

from __future__ import annotations

from pathlib import Path

from cellfab.config import library
from cellfab.config.loader import load, validate
from cellfab.config.record_spec import RecordFile
from cellfab.config.resolved import Resolved

FOLDER = "records"


def shipped_records() -> list[str]:
    """Names of the shipped records."""
    return [name for name in library.parts() if name.startswith(f"{FOLDER}/")]


def is_record(resolved: Resolved) -> bool:
    """Whether a configuration is a record of a plant."""
    return "record" in resolved.tree


def load_record(path_or_name: str | Path) -> tuple[RecordFile, Resolved]:
    """Read and check a record.

    Raises
    ------
    ConfigError
        With every problem, located.
    """
    resolved = load(_found(path_or_name))
    if not is_record(resolved):
        hint = f"write `record`, or name a shipped one: {', '.join(_plain_names())}"
        resolved.fail([resolved.problem("", "is not the record of a plant", hint)])
    return validate(resolved, RecordFile), resolved


def _found(path_or_name: str | Path) -> str | Path:
    """A path as it is; a plain name is that of a shipped record."""
    name = str(path_or_name)
    if Path(path_or_name).exists() or name not in _plain_names():
        return path_or_name
    return f"{FOLDER}/{name}"


def _plain_names() -> list[str]:
    return [name.removeprefix(f"{FOLDER}/") for name in shipped_records()]
