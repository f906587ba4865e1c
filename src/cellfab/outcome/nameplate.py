"""What a line could make: at the speed of its slowest machine, and as the mature line was simulated."""

from __future__ import annotations

import math
from collections.abc import Mapping

from cellfab.config.distribution import mean_seconds
from cellfab.config.line_spec import Line, SerialStation
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.result import Kpi
from cellfab.scenario import Scenario


def nameplate_kpis(scenario: Scenario, rated: Mapping[str, float]) -> dict[str, Kpi]:
    """Design output (slowest unit-by-unit machine, never stopping) and rated output (the mature line) by product."""
    spec = scenario.spec
    kpis: dict[str, Kpi] = {}
    per_year = nominal_cells_per_min(spec.line) * 60.0 * 24.0 * 7.0 * WEEKS_PER_YEAR
    if math.isinf(per_year):
        reason = "no station of the line works unit by unit"
        return {f"nameplate_gwh_per_year.{name}": Kpi(None, "GWh/y", reason=reason) for name in spec.products}
    for name, product in spec.products.items():
        energy_gwh = product.design.energy_wh * 1e-9
        kpis[f"nameplate_gwh_per_year.{name}"] = Kpi(per_year * energy_gwh, "GWh/y")
        if name in rated:
            kpis[f"rated_gwh_per_year.{name}"] = Kpi(rated[name] * WEEKS_PER_YEAR * energy_gwh, "GWh/y")
    if spec.conversion is not None and spec.conversion.product_from is not None:
        old, new = (
            kpis[f"nameplate_gwh_per_year.{name}"].value
            for name in (spec.conversion.product_from, spec.conversion.product_to)
        )
        kpis["nameplate_ratio"] = Kpi(float(new or 0.0) / float(old or 1.0), "1")
    return kpis


def nominal_cells_per_min(line: Line) -> float:
    """Cells per minute of the slowest unit-by-unit station at nominal speed, never stopping."""
    slowest = math.inf
    for station in line.stations.values():
        if isinstance(station, SerialStation):
            machines = station.machines.values() or (station,)
            cycle = max(mean_seconds(machine.cycle) for machine in machines if machine.cycle is not None)
            slowest = min(slowest, 60.0 * station.parallel / cycle)
    return slowest
