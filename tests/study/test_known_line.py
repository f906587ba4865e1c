"""Statistics, sensitivities and controls on simulated lines whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.analytic import estimate
from cellfab.config.loader import Base, read_base
from cellfab.replicate import simulate
from cellfab.run import key_figures
from cellfab.scenario import Scenario, bind
from cellfab.study.sensitivity import morris_design, morris_effects, sobol_design, sobol_indices
from cellfab.study.statistics import mean_interval
from cellfab.study.tornado import associations, largest
from cellfab.study.uncertain import Input, inputs_of, values_at
from cellfab.study.variance_reduction import control_variates

RANDOM = """
name: random
run: {horizon_h: 20}
line:
  sources: {blanks: {}}
  stations: {press: {kind: serial, from: blanks, cycle: {law: exponential, mean_s: 90}}}
  sinks: {done: {from: press}}
"""
STEADY = """
name: steady
run: {horizon_h: 30}
line:
  sources: {blanks: {}}
  stations:
    press: {kind: serial, from: blanks, parallel: 3, cycle: {law: deterministic, value_s: 90}}
    pack: {kind: serial, from: press, cycle: {law: deterministic, value_s: 5}}
  sinks: {done: {from: pack}}
"""
FAILING = """
name: failing
run: {horizon_h: 300}
line:
  sources: {blanks: {}}
  stations:
    press:
      kind: serial
      from: blanks
      cycle: {law: deterministic, value_s: {value: 90, low: 80, high: 100}}
      failures:
        jam:
          time_to_failure: {law: exponential, mean_s: {value: 7200, low: 3600, high: 14400}}
          time_to_repair: {law: exponential, mean_s: {value: 1200, low: 600, high: 3600}}
  sinks: {done: {from: press}}
"""
STEADY_INPUTS = [
    Input("line.stations.press.parallel", 4, 2, 6, "uniform", whole=True),
    Input("line.stations.press.cycle.value_s", 90.0, 60.0, 120.0, "uniform"),
    Input("line.stations.pack.cycle.value_s", 5.0, 1.0, 8.0, "uniform"),
]
NAMES = [one.name for one in STEADY_INPUTS]


@pytest.fixture
def line(tmp_path):
    def read(text: str) -> Base:
        file = tmp_path / "line.yaml"
        file.write_text(text)
        return read_base(file)

    return read


def at(base: Base, values: dict[str, float | int]) -> Scenario:
    return bind(base.with_values([f"{name}={value!r}" for name, value in values.items()]))


def throughput(scenario: Scenario, replicate: int = 0) -> float:
    figure = key_figures(scenario, simulate(scenario, 1, replicate), {})["throughput_per_h"].value
    assert isinstance(figure, float)
    return figure


def test_95_percent_intervals_of_200_studies_cover_the_known_throughput(line):
    # A press that always works and whose cycles are exponential makes a Poisson number of parts: 40 an hour on average,
    # exactly. 200 studies of 5 replicates: standard error of the share 1.5 %, so 92 to 98 % is a z-limit of 2.
    scenario = at(line(RANDOM), {})
    values = [throughput(scenario, replicate) for replicate in range(1000)]
    studies = [mean_interval(values[start : start + 5]) for start in range(0, 1000, 5)]
    assert 0.92 <= np.mean([one.low <= 40.0 <= one.high for one in studies]) <= 0.98
    # the mean itself: standard error sqrt(40 / 20 / 1000) = 0.045; z-limit 4
    assert np.mean(values) == pytest.approx(40.0, abs=4 * 0.0448)


def test_indices_of_a_line_lie_within_their_intervals(line):
    # Presses N, 2 to 6, of cycle c, 60 to 120 s: 3600 N / c an hour, and packing never limits. With E[1/c] = ln 2 / 60,
    # E[1/c^2] = 1 / 7200: the shares of N, 1/c and both follow from the variance of a product.
    base = line(STEADY)
    points = values_at(STEADY_INPUTS, sobol_design(3, 128, seed=1))
    shares = sobol_indices(NAMES, [throughput(at(base, values)) for values in points])
    mean_n, var_n = 4.0, 2.0
    mean_r, var_r = math.log(2.0) / 60.0, 1.0 / 7200.0 - (math.log(2.0) / 60.0) ** 2
    of_n, of_r, of_both = var_n * mean_r**2, var_r * mean_n**2, var_n * var_r
    whole = of_n + of_r + of_both
    for share, first, both in zip(shares, (of_n, of_r, 0.0), (of_both, of_both, 0.0), strict=True):
        assert share.first.low - 0.002 <= first / whole <= share.first.high + 0.002
        assert share.total.low - 0.002 <= (first + both) / whole <= share.total.high + 0.002
        assert share.total.mean == pytest.approx((first + both) / whole, abs=0.05)
    assert [share.name for share in largest(shares)] == NAMES


def test_screening_finds_what_never_limits(line):
    base = line(STEADY)
    points = morris_design(3, 10, seed=1)
    values = [throughput(at(base, values)) for values in values_at(STEADY_INPUTS, points)]
    found = {effect.name: effect for effect in morris_effects(NAMES, points, values)}
    presses, cycle, pack = (found[name] for name in NAMES)
    assert pack.strength.mean < 0.1 < 50.0 < min(presses.strength.mean, cycle.strength.mean)
    assert presses.mean > 0.0 > cycle.mean
    assert presses.scatter > 10.0, "more presses bring more where cycles are short"


def test_closed_form_as_control_of_a_monte_carlo_study(line):
    base = line(FAILING)
    inputs = inputs_of(at(base, {}))
    assert len(inputs) == 3
    generator = np.random.default_rng(1)
    points = generator.random((40, 3))
    scenarios = [at(base, values) for values in values_at(inputs, points)]
    values = [throughput(scenario, replicate) for replicate, scenario in enumerate(scenarios)]
    twins = [estimate(scenario).cells_per_week / 168.0 for scenario in scenarios]
    others = values_at(inputs, generator.random((1000, 3)))
    known = float(np.mean([estimate(at(base, values)).cells_per_week / 168.0 for values in others]))
    found = control_variates(values, twins, known, means_from=1000)
    # The scatter between inputs is taken away and chance within 300 hours stays: 9 % of the variance.
    assert found.variance_ratio < 0.15
    assert found.coefficients[0] == pytest.approx(1.0, abs=0.1)
    # The answer by brute force: 1000 replicates, each with inputs of its own; z-limit 4 for the difference.
    plain = [throughput(at(base, values), 40 + number) for number, values in enumerate(others)]
    brute = mean_interval(plain)
    error = math.hypot(found.interval.half_width / 2.02, brute.half_width / 1.96)
    assert found.interval.mean == pytest.approx(brute.mean, abs=4 * error)
    # Rank correlations, standard error 0.03: the repair's is -0.68, those of cycle and failure are -0.46 and 0.45.
    cube = np.array([[values[one.name] for one in inputs] for values in others])
    strongest = largest(associations(["cycle", "to_failure", "to_repair"], cube, plain))
    assert strongest[0].name == "to_repair"
    assert {one.name for one in strongest if one.low > 0.0} == {"to_failure"}
    assert {one.name for one in strongest if one.high < 0.0} == {"to_repair", "cycle"}
