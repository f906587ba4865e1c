"""Laws of uncertain inputs against scipy's, inputs of a scenario, and what is said about the answer."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cellfab.config.value_law import value_law
from cellfab.scenario import bind, load_scenario
from cellfab.study.answer_law import split_variance, spread
from cellfab.study.uncertain import Input, inputs_of, values_at

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
        ((4.0, 5.0, 6.0), "lies outside"),
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
    assert {one.law.law for one in found.values()} == {"pert"}


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
    none = split_variance([[1.0, 3.0], [3.0, 1.0]])
    assert (none.inputs, none.chance, none.low) == (0.0, 2.0, 0.0)
    assert split_variance([[1.0, 1.0], [2.0, 2.0]])[1:] == (0.0, 1.0, 1.0)
    assert split_variance([[1.0, 1.0], [1.0, 1.0]]).share == 0.0
    with pytest.raises(ValueError, match="at least two"):
        split_variance([[1.0], [2.0]])


def test_the_interval_of_the_share_covers_what_it_says():
    # 1000 studies of 12 points and 3 replicates whose inputs scatter twice as much as chance: share 0.8.
    # Standard error of the coverage 0.7 %; z-limit 4.
    generator = np.random.default_rng(1)
    tables = generator.normal(0.0, 2.0, (1000, 12, 1)) + generator.normal(0.0, 1.0, (1000, 12, 3))
    found = [split_variance(table) for table in tables]
    assert abs(np.mean([one.low <= 0.8 <= one.high for one in found]) - 0.95) < 4 * 0.007
    assert np.mean([one.low > 0.8 for one in found]) < 0.025 + 4 * 0.005


@pytest.mark.parametrize(
    ("law", "twin"),
    [
        (value_law("normal", {"sd": 2.0, "low": 2.5}, 3.0), stats.truncnorm(-0.25, 3.2905267, 3.0, 2.0)),
        (value_law("lognormal", {"gsd": 1.5, "high": 4.0}, 3.0), None),
        (value_law("beta", {"low": 1.0, "high": 5.0, "alpha": 2.0, "beta": 3.0}, 3.0), stats.beta(2, 3, 1.0, 4.0)),
    ],
)
def test_laws_with_numbers_of_their_own(law, twin):
    one = Input("a", 3.0, *law.span, law)
    drawn = [one.at(share) for share in SHARES]
    if twin is None:
        logs = stats.truncnorm(-3.2905267, math.log(4.0 / 3.0) / math.log(1.5), math.log(3.0), math.log(1.5))
        assert drawn == pytest.approx(np.exp(logs.ppf(SHARES)), rel=1e-6)
    else:
        assert drawn == pytest.approx(twin.ppf(SHARES), rel=1e-6)
    assert law.low <= min(drawn) < max(drawn) <= law.high


def test_observed_values_come_equally_often():
    one = Input("a", 3.0, 1.0, 7.0, value_law("empirical", {}, 3.0, values=[7.0, 1.0, 3.0]))
    assert [one.at((place + 0.5) / 6) for place in range(6)] == [1.0, 1.0, 3.0, 3.0, 7.0, 7.0]
    assert one.at(1.0) == 7.0


def test_steps_between_the_ends_are_even():
    assert [Input("a", 4.0, 2.0, 8.0).between(share) for share in (0.0, 0.5, 1.0)] == [2.0, 5.0, 8.0]
    assert Input("a", 4.0, 2.0, 8.0, "log_uniform").between(0.5) == pytest.approx(4.0)
    assert Input("a", 4, 2, 5, whole=True).between(0.4) == 3


DISTRIBUTED = """
name: distributed
run: {horizon_h: 10}
line:
  sources: {blanks: {interarrival: {law: exponential, mean_s: {value: 60, distribution: {law: normal, sd: 5}}}}}
  stations:
    press:
      kind: serial
      from: blanks
      cycle_min: {value: 1, low: 0.5, high: 2, distribution: pert, source: a stopwatch}
      parallel: {value: 4, low: 2, high: 6}
  sinks: {done: {from: press}}
"""


def test_a_distribution_goes_before_the_law_of_the_study(tmp_path: Path):
    file = tmp_path / "distributed.yaml"
    file.write_text(DISTRIBUTED)
    scenario = load_scenario(file)
    arrivals, cycle, presses = inputs_of(scenario, law="log_uniform")
    assert (arrivals.law.law, cycle.law.law, presses.law.law) == ("normal", "pert", "log_uniform")
    assert (arrivals.low, arrivals.high) == pytest.approx((60 - 9.8, 60 + 9.8), abs=0.01)
    assert (cycle.low, cycle.value, cycle.high) == (30.0, 60.0, 120.0)
    assert cycle.name == "line.stations.press.cycle.value_s"
    assert cycle.source == "a stopwatch"
    assert cycle.place.endswith("distributed.yaml:10")


@pytest.mark.parametrize("name", ["ev_4680_dry", "ess_from_4680", "ess_lfp_prismatic", "mm1"])
def test_a_settled_configuration_with_other_numbers_is_what_set_would_make_it(name):
    scenario = load_scenario(name)
    assert bind(scenario.resolved.with_numbers({})).digest == scenario.digest
    inputs = inputs_of(scenario)[:3]
    values = {one.name: one.high for one in inputs}
    by_set = load_scenario(name, [f"{path}={value!r}" for path, value in values.items()])
    varied = bind(scenario.resolved.with_numbers({one.path: one.high for one in inputs}))
    assert varied.digest == by_set.digest
    assert bind(scenario.resolved).digest == scenario.digest, "the first is not changed"
    assert not {one.name for one in inputs_of(varied)} & values.keys(), "a value that is given is not uncertain"
