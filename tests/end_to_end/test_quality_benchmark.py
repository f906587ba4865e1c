"""The benchmark of the quality chain counts the numbers that are really drawn."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "quality_chain.py"
SHORT_ROLLS = """
name: short_rolls
extends: scenarios/ev_4680_dry
line:
  stations:
    cathode_dose: {params: {roll_length_m: 120}}
    anode_dose: {params: {roll_length_m: 120}}
"""


@pytest.fixture(scope="module")
def chain_benchmark():
    spec = importlib.util.spec_from_file_location("quality_chain", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_numbers_are_counted_by_place(chain_benchmark, tmp_path):
    scenario = tmp_path / "short_rolls.yaml"
    scenario.write_text(SHORT_ROLLS, encoding="utf-8")
    drawn = chain_benchmark.count_draws(str(scenario), 1.0)
    welds = ["assembly.weld_cathode", "assembly.weld_anode"]
    assert {*welds, "wind", "formation", "age", "grade", "cathode_film", "anode_film"} <= set(drawn)
    for place in welds:
        words, normals = drawn[place]
        assert 16 <= words <= 64, "eight seams, a few words each"
        assert normals >= 16
    assert 40 < sum(words for words, _ in drawn.values()) < 400


def test_a_fill_counts_once_however_deep_it_goes(chain_benchmark):
    """`fill_normal` calls `fill_words` inside: that is the same numbers, not more."""
    counts = chain_benchmark.Counts()

    def inner(out):
        return out.size

    counted_inner = counts._counted(inner, lambda out: (out.size, 0))
    counted_outer = counts._counted(counted_inner, lambda out: (out.size, out.size))
    counts.place = "here"
    assert counted_outer(np.empty(7)) == 7
    assert counted_inner(np.empty(5)) == 5
    assert (counts.words["here"], counts.normals["here"]) == (12, 7)
