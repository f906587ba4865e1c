"""Closed-form capacities, against the simulation and against hand calculation."""

from __future__ import annotations

import pytest

from cellfab.analytic import availability, estimate, planned_share
from cellfab.config.line_spec import FailureMode, SerialStation
from cellfab.replicate import simulate
from cellfab.scenario import load_scenario


def mode(mtbf_h: float, mttr_h: float) -> FailureMode:
    return FailureMode.model_validate(
        {
            "time_to_failure": {"law": "exponential", "mean_s": 3600.0 * mtbf_h},
            "time_to_repair": {"law": "lognormal", "mean_s": 3600.0 * mttr_h, "cv": 1.0},
        }
    )


def test_competing_modes_add_their_loads() -> None:
    assert availability({"a": mode(9.0, 1.0)}) == pytest.approx(0.9)
    assert availability({"a": mode(10.0, 1.0), "b": mode(20.0, 4.0)}) == pytest.approx(1.0 / 1.3)


def test_shifts_and_maintenance_multiply() -> None:
    line = load_scenario("mm1").spec.line
    calendars = {"two": {"cycle_h": 24.0, "working": {"day": {"start_h": 6.0, "end_h": 22.0}}}}
    line = type(line).model_validate({**line.model_dump(by_alias=True), "calendars": calendars})
    station = SerialStation.model_validate(
        {
            "kind": "serial", "from": "x", "cycle": {"law": "deterministic", "value_s": 1.0}, "calendar": "two",
            "maintenance": {"lubrication": {"every_h": 100.0, "duration_h": 5.0}},
        }
    )  # fmt: skip
    assert planned_share(station, line) == pytest.approx(16.0 / 24.0 * 0.95)


def test_a_saturated_station_makes_what_it_can() -> None:
    """Machines of 1 s and availability 1 / 1.05; the bounds are wide, tests/analytic has the exact figures."""
    scenario = load_scenario("transfer_line_10")
    found = estimate(scenario)
    assert found.cells_per_week == pytest.approx(604_800.0 / 1.05)
    # The line itself must stay below its weakest station: buffers of ten do not decouple ten machines.
    flow = simulate(scenario, seed=1).flow
    out = sum(sum(sink.parts.values()) for sink in flow.sinks.values())
    per_week = out * 604_800.0 / ((flow.horizon - flow.warmup) / 1e6)
    assert 0.85 * found.cells_per_week < per_week < 0.95 * found.cells_per_week


def test_the_plant_is_limited_by_what_the_estimate_says() -> None:
    scenario = load_scenario("ess_from_4680")
    found = estimate(scenario, pilot_lots=2)
    assert set(found.stations) == set(scenario.spec.line.stations)
    assert found.bottleneck == "assembly"
    assert found.stations["formation"].seconds_per_lot == pytest.approx(14.5 * 3600.0)
    assert 12_500 < found.good_cells_per_lot < 15_328  # 16 lanes x 958 positions at most
    assert found.cells_per_week == min(station.cells_per_week for station in found.stations.values())


def test_the_estimate_is_the_same_twice() -> None:
    scenario = load_scenario("ev_4680_dry")
    assert estimate(scenario, pilot_lots=1) == estimate(scenario, pilot_lots=1)
