"""MSER-5 on series, and on the lots inside lines whose warm-up is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.errors import ConfigError
from cellfab.line.flow import simulate_line
from cellfab.line.warmup import mser5, watch_ticks
from cellfab.outcome.key_figures import line_kpis
from cellfab.replicate import simulate
from cellfab.scenario import load_scenario
from cellfab.units import to_ticks


def mser5_slowly(series):
    """Textbook form: every cut, the sum of squares about the mean of what is left."""
    n = len(series) // 5
    batches = [sum(series[5 * i : 5 * i + 5]) / 5 for i in range(n)]
    found = []
    for dropped in range(n // 2 + 1):
        rest = batches[dropped:]
        mean = sum(rest) / len(rest)
        found.append(sum((one - mean) ** 2 for one in rest) / len(rest) ** 2)
    return found


@given(st.lists(st.floats(-100.0, 100.0), min_size=10, max_size=83))
def test_mser5_is_the_least_of_all_cuts(series):
    cut = mser5(series)
    every = mser5_slowly(series)
    assert every[cut.observations // 5] <= min(every) + 1e-9 * (1.0 + max(every))
    assert cut.observations % 5 == 0
    assert cut.mean == pytest.approx(np.mean(series[cut.observations :]), rel=1e-9, abs=1e-9)
    assert cut.settled == (cut.observations // 5 < len(series) // 5 // 2)


def test_mser5_cuts_the_transient_of_a_known_process():
    # 200 series of 400 values, 60 of them shifted by three standard deviations: the cut is at the end of the shift,
    # give or take a batch or two; without it the mean is off by 0.45.
    generator = np.random.default_rng(4)
    cuts = [mser5(generator.normal(size=400) + 3.0 * (np.arange(400) < 60)) for _ in range(200)]
    assert np.mean([cut.observations for cut in cuts]) == pytest.approx(60.0, abs=8.0)
    assert min(cut.observations for cut in cuts) == 60
    # standard error of the mean of means: 1 / sqrt(340 x 200) = 0.0038; z-limit 4
    assert abs(np.mean([cut.mean for cut in cuts])) < 4 * 0.0042


def test_mser5_of_a_steady_series_cuts_nothing():
    assert mser5([0.1] * 37) == (0, pytest.approx(0.1), True)


def test_mser5_says_that_a_trend_has_not_settled():
    cut = mser5(np.arange(100.0))
    assert (cut.observations, cut.settled) == (50, False)


def test_mser5_refuses_what_it_cannot_judge():
    with pytest.raises(ValueError, match="at least 10"):
        mser5([1.0] * 9)
    with pytest.raises(ValueError, match="not a finite number"):
        mser5([1.0] * 9 + [math.nan])


# ---- lines ------------------------------------------------------------------------------------------------------

QUEUE = """
name: queue
run: {horizon_h: 400, warmup_rule: mser5}
line:
  sources: {orders: {interarrival: {law: exponential, mean_s: 80}}}
  buffers: {wait: {from: orders}}
  stations:
    lathe: {kind: serial, from: wait, cycle: {law: exponential, mean_s: 72}}
  sinks: {done: {from: lathe}}
"""
FILLING = """
name: filling
run: {horizon_h: 100, warmup_rule: mser5}
line:
  sources: {blanks: {interarrival: {law: exponential, mean_s: 60}}}
  stations:
    store: {kind: dwell, from: blanks, minimum: {law: deterministic, value_s: 72000}}
  sinks: {done: {from: store}}
"""


@pytest.fixture
def scenario_of(tmp_path):
    def read(text, *overrides):
        file = tmp_path / "line.yaml"
        file.write_text(text)
        return load_scenario(file, overrides)

    return read


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("line.stations.lathe.failures={jam: {time_to_failure: {law: exponential, mean_s: 9000},"
         " time_to_repair: {law: exponential, mean_s: 300}, fate: scrap}}",),
        ("line.sources.orders.interarrival=!delete", "line.buffers=!delete", "line.stations.lathe.from=orders"),
        ("line.sources.orders.when_full=lost", "line.buffers.wait.capacity=5"),
    ],
    ids=["queue", "failures", "at_hand", "lost"],
)  # fmt: skip
def test_both_engines_see_the_same_lots_inside_and_find_the_same_cut(scenario_of, overrides):
    scenario = scenario_of(QUEUE, *overrides)
    watch = watch_ticks(to_ticks(400 * 3600.0)).tolist()
    line, run = scenario.spec.line, scenario.spec.run
    seen = [simulate_line(line, run, seed=1, engine=one, watch=watch).watched for one in ("simpy", "auto")]
    assert len(seen[0]) == 1000
    assert seen[0] == seen[1]
    by_simpy, compiled = (simulate(scenario, 1, engine=one) for one in ("simpy", "compiled"))
    assert compiled.flow.engine == "compiled"
    assert by_simpy.flow.warmup == compiled.flow.warmup
    assert by_simpy.cut == compiled.cut


def test_figures_are_those_of_the_cut_found(scenario_of):
    found = simulate(scenario_of(FILLING), 1)
    figures = line_kpis(found)
    hours = figures["warmup_h"].value
    fixed = scenario_of(FILLING, "run.warmup_rule=fixed", f"run.warmup_h={hours!r}")
    assert figures.items() >= line_kpis(simulate(fixed, 1)).items()
    # A store in which everything stays for 20 h is full after 20 h, to a batch of half an hour and the slope's end.
    assert 17.0 < hours < 22.0
    assert figures["warmup_found"].value == 1.0


def test_a_run_too_short_for_its_warmup_says_so(scenario_of):
    figures = line_kpis(simulate(scenario_of(FILLING, "run.horizon_h=24"), 1))
    assert figures["warmup_found"].value == 0.0
    assert figures["warmup_h"].value == pytest.approx(12.0, abs=0.2)


def test_the_rule_and_a_length_contradict_each_other(scenario_of):
    with pytest.raises(ConfigError, match="remove one"):
        scenario_of(QUEUE, "run.warmup_h=10")


def test_scenarios_with_and_without_the_rule_are_two(scenario_of):
    assert scenario_of(QUEUE).digest != scenario_of(QUEUE, "run.warmup_rule=fixed").digest
