"""Antithetic pairs and the closed form as a control, in studies of lines whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.errors import ConfigError
from cellfab.kernels.random import fill_row_uniforms, fill_uniform, stream_key, uniform
from cellfab.replicate import simulate
from cellfab.run import key_figures
from cellfab.scenario import load_scenario
from cellfab.study.conduct import run_study
from cellfab.study.task import Task
from cellfab.study.twin import Twin
from cellfab.study.variance_reduction import antithetic_pairs, control_variates

PRESS = """\
name: press
run: {horizon_h: 20}
line:
  sources: {blanks: {}}
  stations: {press: {kind: serial, from: blanks, cycle: {law: exponential, mean_s: 90}}}
  sinks: {done: {from: press}}
"""
FAILING = """\
name: failing
run: {horizon_h: 300}
line:
  sources: {blanks: {}}
  stations:
    press:
      kind: serial
      from: blanks
      cycle: {law: deterministic, value_s: 90}
      failures:
        jam:
          time_to_failure: {law: exponential, mean_s: 7200}
          time_to_repair: {law: exponential, mean_s: 1200}
  sinks: {done: {from: press}}
"""
QUEUE = """\
name: queue
base: mm1
variants: {line: {set: {run.horizon_h: 300, run.warmup_h: 30}}}
replicates: 40
variance_reduction: {%s}
metrics: {wait_mean_s.queue: {}, utilisation.inspection: {}}
"""


def throughputs(text, tmp_path, replicates):
    (tmp_path / "line.yaml").write_text(text, encoding="utf-8")
    scenario = load_scenario(tmp_path / "line.yaml")
    figures = (key_figures(scenario, simulate(scenario, 1, one), {})["throughput_per_h"].value for one in replicates)
    return scenario, list(figures)


# ---- numbers ----------------------------------------------------------------------------------------------------


def test_the_second_half_of_a_pair_draws_one_less_what_the_first_draws():
    first, second = (stream_key(1, replicate, "weld", "cycle") for replicate in (-5, -6))
    halves = np.empty((2, 1000))
    for key, out in zip((first, second), halves, strict=True):
        fill_row_uniforms(key, 7, 0, out)
        assert [uniform(key, 7, row) for row in range(10)] == out[:10].tolist()
    assert np.array_equal(halves[0], 1.0 - halves[1])
    # columns have thousands of numbers and are drawn anew: correlation within 4 / sqrt(n)
    columns = np.empty((2, 4000), np.float32)
    for key, out in zip((first, second), columns, strict=True):
        fill_uniform(key, 7, out)
    assert abs(np.corrcoef(columns)[0, 1]) < 4 / math.sqrt(4000)


def test_pairs_are_independent_of_each_other_and_of_replicates_from_0_on():
    keys = [stream_key(1, replicate, "a") for replicate in range(-20, 20)]
    assert len(set(keys)) == 40
    rows = np.empty((40, 2000))
    for key, out in zip(keys, rows, strict=True):
        fill_row_uniforms(key, 0, 0, out)
    correlations = np.corrcoef(rows)
    partners = [(i, j) for i in range(40) for j in range(i) if correlations[i, j] < -0.99]
    assert partners == [(j + 1, j) for j in range(0, 20, 2)]
    others = [correlations[i, j] for i in range(40) for j in range(i) if (i, j) not in partners]
    assert max(map(abs, others)) < 5 / math.sqrt(2000)  # the largest of 770; z-limit 5


def test_both_engines_run_the_same_halves():
    scenario = load_scenario("mm1", ["run.horizon_h=50", "run.warmup_h=0"])
    for replicate in (-1, -2):
        flows = [simulate(scenario, 1, replicate, engine=engine).flow for engine in ("simpy", "compiled")]
        assert flows[0].lead_time.mean_s == pytest.approx(flows[1].lead_time.mean_s, rel=1e-12)


# ---- lines with known answers -------------------------------------------------------------------------------------


def test_pairs_of_a_press_are_unbiased_and_scatter_less(tmp_path):
    # A press that always works makes 40 parts an hour on average, exactly. Poisson: standard deviation of a replicate
    # sqrt(40 / 20) = 1.41; of the mean of 200 pairs, of which each scatters a third at most, below 0.05; z-limit 4.
    _, values = throughputs(PRESS, tmp_path, range(-400, 0))
    found = antithetic_pairs(values[1::2], values[::2])
    assert found.variance_ratio < 0.5
    assert found.interval.mean == pytest.approx(40.0, abs=4 * found.interval.half_width / 1.97)


def test_control_of_a_press_is_unbiased_covered_and_takes_nearly_everything(tmp_path):
    # 200 studies of 4 replicates each; standard error of the share 1.5 %, so that 92 to 98 % is a z-limit of 2.
    scenario, values = throughputs(PRESS, tmp_path, range(800))
    twin = Twin.of(scenario)
    controls = [twin.control(1, replicate) for replicate in range(800)]
    assert np.mean(controls) == pytest.approx(0.0, abs=4 * np.std(controls) / math.sqrt(800))
    whole = control_variates(values, controls, 0.0)
    assert whole.variance_ratio < 0.1
    assert whole.interval.mean == pytest.approx(40.0, abs=4 * whole.interval.half_width / 1.96)
    studies = [control_variates(values[at : at + 4], controls[at : at + 4], 0.0).interval for at in range(0, 800, 4)]
    assert 0.92 <= np.mean([one.low <= 40.0 <= one.high for one in studies]) <= 0.98


def test_control_knows_breakdowns(tmp_path):
    scenario, values = throughputs(FAILING, tmp_path, range(60))
    found = control_variates(values, [Twin.of(scenario).control(1, one) for one in range(60)], 0.0)
    assert found.variance_ratio < 0.3
    # 40 parts an hour x availability 7200 / 8400, and what the press has done more because it began new: the first
    # breakdown comes as any, so nothing.
    assert found.interval.mean == pytest.approx(40.0 * 6 / 7, abs=4 * found.interval.half_width / 2.0 + 0.15)


@pytest.mark.parametrize("manner", ["antithetic: true", "control: analytic_twin"])
def test_a_queue_with_either_agrees_with_the_formula(load, manner):
    # M/M/1, load 0.6: waits 108 s on average, busy 0.6 of the time. z-limit 4 of the interval's own standard error.
    result = run_study(load(QUEUE % manner), workers=0)
    for metric, truth in (("wait_mean_s.queue", 108.0), ("utilisation.inspection", 0.6)):
        found = result.estimate("line", metric)
        assert found.interval.mean == pytest.approx(truth, abs=4 * found.interval.half_width / 2.02)
        assert found.plain.n == found.interval.n == 40
        assert found.variance_ratio < 0.9
        ratio = (found.interval.half_width / found.plain.half_width) ** 2
        assert found.variance_ratio == pytest.approx(ratio, rel=0.15)  # quantiles of Student's law differ


# ---- studies ----------------------------------------------------------------------------------------------------


def test_differences_of_pairs_are_taken_between_means_of_pairs(load, two_text):
    result = run_study(load(two_text + "variance_reduction: {antithetic: true}\n"), workers=0)
    values = {}
    for case in result.study.cases:
        outcomes = [result.outcomes[Task(case.scenario, 7, -1 - one)] for one in range(6)]
        found = [next(one.value for one in outcome.figures if one.metric == "wip_mean") for outcome in outcomes]
        values[case.variant] = np.reshape(found, (3, 2)).mean(axis=1)
    difference = result.difference("fast", "wip_mean")
    assert difference.interval.n == 3
    assert difference.interval.mean == pytest.approx((values["fast"] - values["slow"]).mean())


def test_numbers_of_replicates_stay_whole_pairs(load):
    text = QUEUE % "antithetic: true"
    text = text.replace("replicates: 40", "replicates: {least: 4, most: 60}")
    text = text.replace("utilisation.inspection: {}", "utilisation.inspection: {half_width_share: 0.005}")
    result = run_study(load(text), workers=0)
    assert result.ended == "precision"
    assert result.counts[0] % 2 == 0
    assert result.counts[0] > 4
    assert result.frame()["replicate"].unique().tolist() == [-1 - one for one in range(result.counts[0])]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{antithetic: true}", "{}"), "needs either `antithetic: true` or `control: analytic_twin`"),
        (("replicates: 40", "replicates: 41"), "come in pairs, at least two: 41"),
        (("replicates: 40", "replicates: {least: 5, most: 60}"), "come in pairs, at least two: 5"),
        (("metrics:", "uncertain: {}\nmetrics:"), "takes replicates one by one"),
    ],
)
def test_reductions_that_cannot_be(load, change, message):
    with pytest.raises(ConfigError, match=message):
        load((QUEUE % "antithetic: true").replace(*change))
