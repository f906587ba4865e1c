"""Options of the suite, the command line in two forms, and one short run of a small plant."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from cellfab import cli

SMALL_PLANT = (
    "run.horizon_h=336",
    "line.stations.wind.parallel=1",
    "line.stations.age.params.warm_d=0.5",
    "line.stations.age.params.rest_d=1",
)
"""`--set` options that make two weeks of the shipped line a second's work: one winder of fourteen, and short ageing so
that cells come out at all."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="also run the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--run-slow"):
        return
    skip = pytest.mark.skip(reason="slow: run with --run-slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def command(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """The command line in this process, from an empty folder."""

    def call(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["cellfab", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Outcome(int(ended.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture
def shell(here: Path) -> Callable[..., Outcome]:
    """The command line as a process of its own, from an empty folder."""

    def call(*arguments: str, **variables: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "cellfab", *arguments],
            check=False, env={**os.environ, **variables}, capture_output=True, text=True, encoding="utf-8", timeout=300,
        )  # fmt: skip
        return Outcome(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture(scope="session")
def small_plant() -> tuple[str, ...]:
    """`--set` options for a short run of the shipped line."""
    return SMALL_PLANT
