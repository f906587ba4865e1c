"""What a line could make."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cellfab.outcome.nameplate import nameplate_kpis, nominal_cells_per_min
from cellfab.scenario import load_scenario


def test_nominal_speed_is_that_of_the_slowest_unit_by_unit_station():
    line = load_scenario("ev_4680_dry").spec.line
    slowest = max(machine.cycle.value_s for machine in line.stations["assembly"].machines.values())
    assert nominal_cells_per_min(line) == pytest.approx(60.0 / slowest)
    one = load_scenario("ev_4680_dry", ["line.stations.wind.parallel=1"]).spec.line
    assert nominal_cells_per_min(one) == pytest.approx(60.0 / one.stations["wind"].cycle.value_s)


def test_nameplate_is_speed_times_energy(small_run):
    spec, kpi = small_run.scenario.spec, small_run.result.kpi
    per_year = nominal_cells_per_min(spec.line) * 60 * 24 * 365.25
    energy_wh = spec.products["ev_nmc811"].design.energy_wh
    assert kpi["nameplate_gwh_per_year.ev_nmc811"].value == pytest.approx(per_year * energy_wh * 1e-9, rel=0.002)
    assert kpi["rated_gwh_per_year.ev_nmc811"].value == pytest.approx(60_000 * 52.18 * energy_wh * 1e-9, rel=0.005)


def test_a_line_without_unit_by_unit_stations_has_nonameplate_kpis(small_run):
    stations = {
        name: station for name, station in small_run.scenario.spec.line.stations.items() if station.kind != "serial"
    }
    line = small_run.scenario.spec.line.model_copy(update={"stations": stations})
    spec = small_run.scenario.spec.model_copy(update={"line": line})
    kpis = nameplate_kpis(replace(small_run.scenario, spec=spec), {})
    assert kpis["nameplate_gwh_per_year.ev_nmc811"].value is None
    assert "unit by unit" in kpis["nameplate_gwh_per_year.ev_nmc811"].reason
