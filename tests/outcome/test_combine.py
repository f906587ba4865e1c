"""Replicates to one figure with its interval, and counts to their sum."""

from __future__ import annotations

import pytest

from cellfab.outcome.combine import combine, counts
from cellfab.result import Kpi


def test_the_interval_is_students():
    """1, 2, 3, 4: mean 2.5, s = 1.29099, t(0.975, 3) = 3.18245 (tables), half width 2.05426."""
    combined = combine([{"x": Kpi(float(value), "h")} for value in (1, 2, 3, 4)])["x"]
    assert combined.value == 2.5
    assert combined.n == 4
    assert combined.ci_high == pytest.approx(2.5 + 2.05426, abs=1e-4)
    assert combined.ci_low == pytest.approx(2.5 - 2.05426, abs=1e-4)


def test_equal_replicates_have_an_interval_of_no_width():
    combined = combine([{"x": Kpi(0.1, "1")}, {"x": Kpi(0.1, "1")}])["x"]
    assert combined.ci_low == combined.value == combined.ci_high == 0.1


def test_one_replicate_has_no_interval():
    assert combine([{"x": Kpi(3.0, "h")}]) == {"x": Kpi(3.0, "h")}


def test_a_figure_that_some_could_not_give():
    combined = combine([{"x": Kpi(None, "h", reason="too short")}, {"x": Kpi(2.0, "h")}, {"x": Kpi(4.0, "h")}])
    assert (combined["x"].value, combined["x"].n) == (3.0, 2)
    combined = combine([{"x": Kpi(None, "h", reason="too short")}] * 3)
    assert combined["x"] == Kpi(None, "h", n=0, reason="too short")


def test_a_figure_that_is_not_in_every_replicate_keeps_its_place():
    combined = combine([{"a": Kpi(1.0, "h")}, {"a": Kpi(1.0, "h"), "escape_ppm.leak": Kpi(2.0, "ppm")}])
    assert list(combined) == ["a", "escape_ppm.leak"]
    assert combined["escape_ppm.leak"].n == 1


def test_a_text_is_what_came_most_often():
    names = ("wind", "cathode_mix", "wind")
    assert combine([{"bottleneck": Kpi(name, "")} for name in names])["bottleneck"] == Kpi("wind", "", n=3)


def test_counts_are_over_all_replicates(small_run):
    once, twice = counts([small_run.done]), counts([small_run.done, small_run.done])
    assert {name: 2 * value for name, value in once.items()} == twice
    assert once["random_draws"] > 1000
