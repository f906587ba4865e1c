"""Laws of uncertain inputs against scipy's, inputs of a scenario, and what is said about the answer."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cellfab.scenario import load_scenario
from cellfab.study.uncertain import Input, inputs_of, split_variance, spread, values_at

SHARES = (0.01, 0.2, 0.5, 0.8, 0.99)
LINE = """
name: inputs
run: {horizon_h: 10}
line:
  sources: {blanks: {interarrival: {law: exponential, mean_s: 60}}}
  stations:
    press:
      kind: batch
      from: blanks
      batch_lots: {value: 4, low: 2, high: 6, source: assumption}
      cycle: {law: exponential, mean_s: {value: 60, low: 50, high: 90, source: "a stopwatch"}}
      failures:
        jam:
          time_to_failure: {law: exponential, mean_s: {value: 4000, low: 2000, high: 8000, source: assumption}}
          time_to_repair: {law: exponential, mean_s: {value: 300, source: assumption}}
  sinks: {done: {from: press}}
"""


@pytest.mark.parametrize(
    ("law", "twin"),
    [
        ("triangular", stats.triang(0.25, 2.0, 8.0)),
        ("uniform", stats.uniform(2.0, 8.0)),
        ("log_uniform", stats.loguniform(2.0, 10.0)),
        ("pert", stats.beta(2.0, 4.0, 2.0, 8.0)),
    ],
)
def test_laws_are_scipys(law, twin):
    one = Input("a", 4.0, 2.0, 10.0, law)
    assert [one.at(share) for share in SHARES] == pytest.approx(twin.ppf(SHARES), rel=1e-9)
    assert (one.at(0.0), one.at(1.0)) == pytest.approx((2.0, 10.0))


def test_normal_laws_have_95_percent_between_their_ends():
    normal, lognormal = (Input("a", 4.0, 2.0, 10.0, law) for law in ("normal", "lognormal"))
    twin = stats.norm(6.0, 4.0 / stats.norm.ppf(0.975))
    assert [normal.at(share) for share in SHARES] == pytest.approx(twin.ppf(SHARES), abs=0.1)
    assert [normal.at(share) for share in (0.0, 1.0)] == pytest.approx(twin.ppf([0.0005, 0.9995]), rel=1e-9)
    assert lognormal.at(0.5) == pytest.approx(math.sqrt(20.0))
    assert math.log(lognormal.at(0.9) / lognormal.at(0.1)) == pytest.approx(
        math.log(5.0) * stats.norm.ppf(0.9) / stats.norm.ppf(0.975), rel=0.01
    )


@given(
    st.floats(0.1, 50.0), st.floats(0.1, 50.0), st.floats(0.0, 1.0),
    st.sampled_from(["triangular", "pert", "uniform", "log_uniform"]), st.booleans(),
)  # fmt: skip
def test_values_stay_between_the_ends_and_rise(low, width, share, law, whole):
    if whole:
        low, width = float(math.ceil(low)), float(math.ceil(width))
    one = Input("a", low + width / 2, low, low + width, law, whole)
    assert low <= one.at(share) <= low + width
    assert one.at(share) <= one.at(min(1.0, share + 0.1))


@pytest.mark.parametrize("mode", [2.0, 10.0])
@pytest.mark.parametrize("law", ["triangular", "pert"])
def test_mode_at_an_end(law, mode):
    one = Input("a", mode, 2.0, 10.0, law)
    assert (one.at(0.0), one.at(1.0)) == (2.0, 10.0)
    assert abs(one.at(0.5) - mode) < 4.0


def test_whole_numbers_come_as_often_as_their_law_says():
    one = Input("a", 3, 2, 5, "uniform", whole=True)
    drawn = [one.at((place + 0.5) / 400) for place in range(400)]
    assert [drawn.count(value) for value in (2, 3, 4, 5)] == [100] * 4
    assert {type(value) for value in drawn} == {int}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((4.0, 5.0, 5.0), "less than high"),
        ((4.0, 5.0, 6.0), "does not lie between"),
        ((4.0, 0.0, 6.0, "log_uniform"), "no logarithm"),
        ((4.0, math.nan, 6.0), "less than high"),
    ],
)
def test_impossible_inputs(arguments, message):
    with pytest.raises(ValueError, match=message):
        Input("a", *arguments)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Input("a", 1.0, 0.0, 2.0).at(1.5)


def test_inputs_of_a_scenario_are_what_has_two_ends(tmp_path: Path):
    file = tmp_path / "inputs.yaml"
    file.write_text(LINE)
    scenario = load_scenario(file)
    found = inputs_of(scenario)
    press = "line.stations.press"
    assert [(one.name, one.value, one.low, one.high, one.whole) for one in found] == [
        (f"{press}.batch_lots", 4, 2, 6, True),
        (f"{press}.cycle.mean_s", 60, 50, 90, False),
        (f"{press}.failures.jam.time_to_failure.mean_s", 4000, 2000, 8000, False),
    ]
    assert [one.name for one in inputs_of(scenario, assumed_only=True)] == [found[0].name, found[2].name]
    (values,) = values_at(found[:2], np.array([[1.0, 0.0]]))
    assert values == {found[0].name: 6, found[1].name: 50.0}


def test_parameters_of_steps_are_inputs_too():
    found = {one.name: one for one in inputs_of(load_scenario("ev_4680_dry"), law="pert")}
    assert found["line.stations.cathode_dose.params.lanes"].whole
    assert not found["line.stations.assembly.machines.weld_cathode.params.power_w"].whole
    assert {one.law for one in found.values()} == {"pert"}


# ---- what comes out -------------------------------------------------------------------------------------------


def test_spread_of_a_ladder():
    found = spread([float(value) for value in range(1, 40)], (0.5,))
    assert found.mean.mean == 20.0
    assert found.deviation == pytest.approx(math.sqrt(39 * 40 / 12))
    (median,) = found.quantiles
    # 39 values: the median lies between the 13th and the 27th with 97.6 % (Conover 1999, the sign test's limits)
    assert median == (0.5, 20.0, 13.0, 27.0)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_intervals_of_quantiles_cover_at_least_95_percent(share):
    # 2000 samples of 60 exponential values; the binomial law makes the interval wider than need be, never narrower:
    # standard error of the share 0.5 %; z-limit 4.
    table = np.random.default_rng(1).exponential(size=(2000, 60))
    truth = -math.log(1.0 - share)
    covered = np.mean([(q := spread(row, (share,)).quantiles[0]).low <= truth <= q.high for row in table.tolist()])
    assert 0.95 - 4 * 0.005 <= covered <= 0.995


def test_few_values_say_nothing_about_a_far_quantile():
    (found,) = spread([1.0, 2.0, 3.0], (0.95,)).quantiles
    assert found.high == math.inf
    assert found.value == 3.0


def test_variance_is_split_into_inputs_and_chance():
    # Inputs scatter with 3, chance with 1: 2000 points of 4 replicates: relative standard errors sqrt(2/2000) = 3.2 %
    # of the first and sqrt(2/6000) = 1.8 % of the second; z-limit 4.
    generator = np.random.default_rng(1)
    table = generator.normal(0.0, 3.0, (2000, 1)) + generator.normal(0.0, 1.0, (2000, 4))
    found = split_variance(table)
    assert found.inputs == pytest.approx(9.0, rel=4 * 0.032)
    assert found.chance == pytest.approx(1.0, rel=4 * 0.019)
    assert found.share == pytest.approx(0.9, abs=0.02)


def test_variance_of_chance_alone_is_not_negative():
    assert split_variance([[1.0, 3.0], [3.0, 1.0]]) == (0.0, 2.0)
    assert split_variance([[1.0, 1.0], [1.0, 1.0]]).share == 0.0
    with pytest.raises(ValueError, match="at least two"):
        split_variance([[1.0], [2.0]])
