"""Options of the suite, the command line in two forms, and one short run of a small plant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import settings

from cellfab import cli

if TYPE_CHECKING:
    from cellfab.outcome.books import Books
    from cellfab.plant import Plant
    from cellfab.replicate import Replicate
    from cellfab.result import RunResult
    from cellfab.scenario import Scenario

# The same examples each time, so that a change is judged by itself; `make long` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("hunt", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

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
def both_ways() -> Callable[[Callable[[str], list[str]]], list[str]]:
    """What Python prints with compiled kernels, and with interpreted ones; arguments by "compiled" or "interpreted"."""

    def run(arguments: Callable[[str], list[str]]) -> list[str]:
        return [
            subprocess.run(
                [sys.executable, *arguments(way)], check=True, capture_output=True, text=True, timeout=600,
                env={**os.environ, "NUMBA_DISABLE_JIT": off},
            ).stdout
            for way, off in (("compiled", "0"), ("interpreted", "1"))
        ]  # fmt: skip

    return run


@pytest.fixture(scope="session")
def small_plant() -> tuple[str, ...]:
    """`--set` options for a short run of the shipped line."""
    return SMALL_PLANT


class SmallRun(NamedTuple):
    """One replicate of the small plant, with its books closed."""

    scenario: Scenario
    done: Replicate
    plant: Plant
    books: Books
    result: RunResult


@pytest.fixture(scope="session")
def small_run(small_plant: tuple[str, ...]) -> SmallRun:
    """Two weeks of the small plant, seed 1. Not to be changed by tests."""
    from cellfab.outcome.books import Books
    from cellfab.replicate import simulate
    from cellfab.run import gather
    from cellfab.scenario import load_scenario

    scenario = load_scenario("ev_4680_dry", small_plant)
    done = simulate(scenario, 1)
    assert done.plant is not None
    result = gather(scenario, [done], 1, {"ev_nmc811": 60_000.0}, {})
    return SmallRun(scenario, done, done.plant, Books(done.plant, 2, ()), result)


@contextmanager
def _ctrl_c_heeded() -> Iterator[None]:
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, inherited)


@pytest.fixture
def ctrl_c_heeded() -> Callable[[], AbstractContextManager[None]]:
    """What is started inside heeds Ctrl-C, also where the suite runs in the background, which a shell has ignore it."""
    return _ctrl_c_heeded
