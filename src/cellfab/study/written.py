"""Studies that a command writes for its user to run and to change."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cellfab.config import library
from cellfab.config.overrides import ASSIGNMENT
from cellfab.study.store import write_durably


def base_of(config: str) -> str:
    """How a study names a configuration from wherever it stands: a shipped one by its name, a file by its full path."""
    path = library.find(config)
    return config if library.lookup(config) == path else str(path.absolute())


def setting_line(setting: str) -> str:
    """A `--set` option, which `load_scenario` has read, as a line of a study's `set`."""
    found = ASSIGNMENT.match(setting)
    assert found is not None
    return f"{json.dumps(found[1].strip())}: {setting[found.end() :].strip()}"


def write_study(store: Path, kind: str, name: str, text: str) -> Path:
    """Write a study as KIND_of_NAME.yaml in a folder, which is made if there is none."""
    store.mkdir(parents=True, exist_ok=True)
    file = store / f"{kind}_of_{re.sub(r'[^0-9A-Za-z_.-]+', '_', name)}.yaml"
    write_durably(file, text.encode())
    return file
