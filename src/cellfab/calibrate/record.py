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
    shipped = f"{FOLDER}/{path_or_name}"
    known = not Path(path_or_name).exists() and library.lookup(shipped) is not None
    resolved = load(shipped if known else path_or_name)
    return validate(resolved, RecordFile), resolved
