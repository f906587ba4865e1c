"""Every experiment is a scenario or a study that loads, with a reading beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfab.scenario import load_scenario
from cellfab.study.file import is_study
from cellfab.study.plan import load_study

FOLDER = Path(__file__).parents[2] / "experiments"
EXPERIMENTS = sorted(FOLDER.glob("*.yaml"))


def test_there_are_experiments() -> None:
    assert EXPERIMENTS


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_an_experiment_loads_and_has_a_reading(path: Path) -> None:
    name = load_study(path).name if is_study(path) else load_scenario(path).name
    assert name == path.stem
    assert "Reading:" in path.with_suffix(".md").read_text(encoding="utf-8")
