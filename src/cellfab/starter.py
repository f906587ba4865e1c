"""What `cellfab init` copies: a scenario of one's own that extends a shipped one, and a bare line."""

from __future__ import annotations

import shlex
from pathlib import Path

from cellfab.config import library
from cellfab.errors import UsageError

SCENARIO = """\
# Your own conversion: it extends a shipped scenario and says only what is different.
# Check it:   cellfab validate {name}
# All values: cellfab config show --origin {name}

name: my_conversion
description: My line, converted to cells for grid storage
extends: ess_from_4680

conversion:
  stop_week: 12

line:
  stations:
    wind: {{parallel: 16}}
"""


def write_starter(folder: Path) -> tuple[Path, ...]:
    """Write the starter into a new (or empty) folder.

    Raises
    ------
    UsageError
        If the folder holds anything, or cannot be written to: nothing is overwritten.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"'{folder}' is not empty; choose a new folder, nothing is overwritten")
        scenario, line = folder / "my_conversion.yaml", folder / "my_line.yaml"
        scenario.write_text(SCENARIO.format(name=shlex.quote(str(scenario))), encoding="utf-8")
        line.write_text(library.find("mm1").read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write to '{folder}': {error.strerror}") from error
    return scenario, line
