"""A bare line ramps: speed, reliability and what a copied line begins with, against their closed forms."""

from __future__ import annotations

import math

import pytest
import yaml

from cellfab.errors import ConfigError
from cellfab.ramp.laws import duane_clock_for, expected_failures
from cellfab.replicate import simulate
from cellfab.run import run_scenario
from cellfab.scenario import load_scenario

HOURS_PER_MONTH = 365.25 * 24 / 12
SLOW = {
    "rate": {"start": 0.5, "mature": 1.0, "time_constant_months": 3},
    "reliability": {"start": 1, "repair_start": 1},
}


def fixed(seconds):
    """A fixed duration, in YAML."""
    return {"law": "deterministic", "value_s": seconds}


def press(**more):
    """A machine that makes six parts an hour, in YAML."""
    return {"kind": "serial", "from": "blanks", "cycle": fixed(600)} | more


def scenario_of(tmp_path, station, ramp, hours, **more):
    """A scenario read from a file: blanks, one station, a sink."""
    line = {"sources": {"blanks": {}}, "stations": {"press": station}, "sinks": {"out": {"from": "press"}}}
    tree = {"name": "press", "line": line, "ramp": ramp, "run": {"horizon_h": hours}} | more
    path = tmp_path / "press.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return load_scenario(path)


def made_in(hours, start=0.5, tau=3.0, mature=1.0):
    """Parts of a press in so many hours: six times the integral of mature - (mature - start) exp(-t / tau)."""
    months = hours / HOURS_PER_MONTH
    return 6.0 * HOURS_PER_MONTH * (mature * months - (mature - start) * tau * -math.expm1(-months / tau))


KINDS = {
    "serial": press(),
    "two of half the speed": press(parallel=2, cycle=fixed(1200)),
    "chain": {
        "kind": "serial", "from": "blanks",
        "machines": {name: {"cycle": fixed(600)} for name in ("left", "right")},
    },
    "batch": {"kind": "batch", "from": "blanks", "batch_lots": 5, "cycle": fixed(3000)},
    "channels": {"kind": "channels", "from": "blanks", "positions": 4, "occupied": fixed(2400)},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hours", [336, 8736])
def test_speed_is_released_by_its_law(tmp_path, kind, hours):
    """Nothing random: parts are those of the integral, but for the ones inside and the speed kept during a part."""
    scenario = scenario_of(tmp_path, KINDS[kind], {"default": SLOW}, hours)
    flow = simulate(scenario, 1).flow
    assert flow.engine == "simpy"
    assert flow.stations["press"].lots_out == pytest.approx(made_in(hours), abs=5, rel=2e-5)


def test_failures_grow_rarer_by_the_power_law(tmp_path):
    """5 replicates of 4000 h, about 25 000 failures in all; z = 3, which is less than 2 %."""
    growth = {"start": 0.25, "growth_exponent": 0.35, "mature_after_h": 3000, "repair_start": 1}
    jam = {
        "time_to_failure": {"law": "exponential", "mean_h": 1},
        "time_to_repair": {"law": "deterministic", "value_s": 1},
    }
    station = press(cycle={"law": "deterministic", "value_s": 900}, failures={"jam": jam})
    scenario = scenario_of(tmp_path, station, {"default": {"rate": {"start": 1}, "reliability": growth}}, 4000)
    seen = sum(simulate(scenario, 1, replicate).flow.stations["press"].failures for replicate in range(5))
    began = duane_clock_for(0.25, 0.35, 3000)
    expected = 5 * expected_failures(began, began + 4000, 1.0, 0.35, 3000)
    assert abs(seen - expected) < 3.0 * math.sqrt(expected) < 0.02 * expected


def test_repairs_get_faster(tmp_path):
    """Repairs of an hour after every hour of work: those of the first week take nearly twice as long as written."""
    jam = {
        "time_to_failure": {"law": "deterministic", "value_h": 1},
        "time_to_repair": {"law": "deterministic", "value_h": 1},
    }
    laws = {"rate": {"start": 1}, "reliability": {"start": 1, "repair_start": 2, "repair_time_constant_months": 1}}
    scenario = scenario_of(tmp_path, press(failures={"jam": jam}), {"default": laws}, 168)
    parts = simulate(scenario, 1).flow.stations["press"].lots_out
    months = 168 / HOURS_PER_MONTH
    mean_factor = 1.0 + -math.expm1(-months) / months
    assert parts / 6 == pytest.approx(168 / (1 + mean_factor), rel=0.01)


def test_a_line_without_a_ramp_is_as_fast_as_written(tmp_path):
    """The other half of the tests above."""
    scenario = scenario_of(tmp_path, press(), None, 168)
    flow = simulate(scenario, 1).flow
    assert flow.engine == "compiled"
    assert flow.stations["press"].lots_out == 168 * 6 - 1  # the last one ends with the run


def test_a_copied_line_begins_with_what_was_released_by_then(tmp_path):
    """Ten weeks after the first: 60 % of what that one has gained, and then on by the same law."""
    weeks, late, kept = 40, 10, 0.6
    lines = {"count": 2, "spacing_weeks": late, "transfer_loss_share": 1.0 - kept}
    scenario = scenario_of(tmp_path, press(), {"default": SLOW}, 168 * weeks, lines=lines)
    flow = simulate(scenario, 1).flow
    gained = -math.expm1(-late * 168 / HOURS_PER_MONTH / 3.0)
    start = 0.5 + 0.5 * kept * gained
    first, second = (flow.stations[f"line{number}-press"].lots_out for number in (1, 2))
    assert first == pytest.approx(made_in(168 * weeks), rel=1e-4)
    assert second == pytest.approx(made_in(168 * (weeks - late), start=start), rel=1e-4)


def test_its_curve_by_week_rises(tmp_path):
    """What the report draws."""
    scenario = scenario_of(tmp_path, press(), {"default": SLOW}, 168 * 4)
    kpi = run_scenario(scenario).kpi["throughput_per_h"].value
    assert kpi == pytest.approx(made_in(168 * 4) / (168 * 4), rel=1e-3)


def test_the_compiled_engine_says_why_it_cannot(tmp_path):
    """Asked for by name."""
    scenario = scenario_of(tmp_path, press(), {"default": SLOW}, 24)
    with pytest.raises(ConfigError, match="it ramps; use --engine simpy"):
        simulate(scenario, 1, engine="compiled")


@pytest.mark.parametrize(
    ("ramp", "line", "message"),
    [
        ({"default": {"rate": {"when": {"scrap_below_share": 0.1}}}}, "when", "a bare line counts no scrap"),
        ({"stations": {"press": {"rate": {"when": {"scrap_below_share": 0.1}}}}}, "when", "counts no scrap"),
        ({"labour": {}}, "labour", "a bare line has no people who could learn"),
    ],
)
def test_what_a_bare_line_cannot_wait_for_is_refused(tmp_path, ramp, line, message):
    """With the place where it is written."""
    with pytest.raises(ConfigError, match=message) as raised:
        scenario_of(tmp_path, press(), ramp, 24)
    text = (tmp_path / "press.yaml").read_text(encoding="utf-8").splitlines()
    number = next(index for index, row in enumerate(text, 1) if row.strip().startswith(f"{line}:"))
    assert f"press.yaml:{number}:" in str(raised.value)


def test_rows_of_a_ledger_that_there_is_not_are_refused(tmp_path):
    """Else one would look for the file."""
    with pytest.raises(ConfigError, match=r"press.yaml:[0-9]+:.*run.ledger_rows: a bare line posts no cost"):
        scenario_of(tmp_path, press(), None, 24, run={"horizon_h": 24, "ledger_rows": True})


def test_what_changes_nothing_is_told(tmp_path):
    """A ramp file of a plant may be extended, but nobody should wait for its learning."""
    ramp = {"default": {"learning": {"time_constant_months": 6}}}
    scenario = scenario_of(
        tmp_path,
        press(economics={"operators": 2}),
        ramp,
        24,
        quality={"field": {"soft_short": {"failing_fraction": 0.1, "weibull_shape": 1}}},
    )
    told = [warning.message for warning in scenario.warnings]
    assert len(told) == 3
    assert all(message.startswith("changes nothing: a bare line") for message in told)
