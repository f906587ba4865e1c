"""Every experiment is a scenario that loads, with a reading beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfab.scenario import load_scenario

FOLDER = Path(__file__).parents[2] / "experiments"
EXPERIMENTS = sorted(FOLDER.glob("*.yaml"))


def test_there_are_experiments() -> None:
    assert EXPERIMENTS


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_an_experiment_loads_and_has_a_reading(path: Path) -> None:
    assert load_scenario(path).name == path.stem
    assert "Reading:" in path.with_suffix(".md").read_text(encoding="utf-8")
