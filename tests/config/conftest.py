"""Small configurations in a folder of their own, and their problems in short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cellfab.config.line_checks import line_problems
from cellfab.config.line_spec import Line
from cellfab.config.loader import load, validate
from cellfab.config.resolved import Resolved
from cellfab.config.run_spec import Run
from cellfab.config.spec import Spec
from cellfab.errors import ConfigError

GOOD = """\
line:
  sources:
    arrivals:
      interarrival: {law: exponential, mean_s: 60}
  buffers:
    queue: {from: arrivals, capacity: 5}
  stations:
    coat:
      kind: serial
      from: queue
      cycle: {law: exponential, mean_s: 45}
      failures:
        jam:
          time_to_failure: {law: weibull, shape: 1.5, mean_s: 7200}
          time_to_repair: {law: deterministic, value_s: 300}
  sinks:
    out: {from: coat}
run:
  horizon_h: 100
"""


class Plant(Spec):
    """The smallest thing that a file can describe."""

    line: Line
    run: Run


class Found(NamedTuple):
    """A problem in short."""

    place: str
    path: str
    message: str
    hint: str


@pytest.fixture
def plant() -> type[Plant]:
    """Model of a line with its run."""
    return Plant


@pytest.fixture
def good() -> str:
    """A configuration without a fault, 18 lines."""
    return GOOD


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write files into the working directory; returns the path of the first."""
    monkeypatch.chdir(tmp_path)

    def _write(**files: str) -> Path:
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8", newline="")
        return Path(f"{next(iter(files))}.yaml")

    return _write


@pytest.fixture
def resolve(write: Callable[..., Path]) -> Callable[..., Resolved]:
    """Load the first of the given files."""
    return lambda *options, **files: load(write(**files), options)


@pytest.fixture
def settled(resolve: Callable[..., Resolved]) -> Callable[..., Resolved]:
    """Load and validate the first of the given files as a plant."""

    def _settled(*options: str, **files: str) -> Resolved:
        resolved = resolve(*options, **files)
        validate(resolved, Plant)
        return resolved

    return _settled


@pytest.fixture
def problems(write: Callable[..., Path]) -> Callable[..., list[Found]]:
    """Everything that is wrong with the first of the given files, in the order reported."""

    def _problems(*options: str, model: Any = Plant, **files: str) -> list[Found]:
        try:
            resolved = load(write(**files), options)
            spec = validate(resolved, model)
            if isinstance(spec, Plant):
                resolved.fail([resolved.problem(*problem) for problem in line_problems(spec.line)])
        except ConfigError as error:
            return [Found(str(one.location), one.path, one.message, one.hint) for one in error.problems]
        raise AssertionError("unreachable: fail() raises")

    return _problems
