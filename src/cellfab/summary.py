"""From replicates to one result: key figures with confidence intervals, and tidy tables."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from cellfab import converted
from cellfab.books import FIELD_YEARS, TARGET_SHARE, Books, first_week_at
from cellfab.by_buyer import BUYERS, buyer_kpis, buyer_rows
from cellfab.by_line import LINES, STATIONS, kpis_by_line, line_rows, station_rows
from cellfab.config.distribution import mean_seconds
from cellfab.config.line_spec import Feed, Line, SerialStation, StationEconomics
from cellfab.config.quality_spec import REFERENCE_YEARS
from cellfab.consumption import energy_kpis
from cellfab.core.ledger import Holding
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.economics.cash_flow import (
    cash_burnt_in_scrap_usd,
    levelised_usd_per_kwh,
    payback_weeks,
    present_value,
    rate_of_return,
)
from cellfab.economics.credits import whole_material_assistance
from cellfab.economics.period_cost import WORKING_CAPITAL
from cellfab.economics.price import price_usd
from cellfab.economics.shocks import span
from cellfab.economics.statement import Period, total
from cellfab.economics.tariffs import TARIFFS
from cellfab.lessons import MODES, mode_kpis, mode_rows
from cellfab.line.kpi import flow_kpis
from cellfab.line.result import FlowResult
from cellfab.line.states import STATES
from cellfab.plant import Plant
from cellfab.replicate import Replicate
from cellfab.result import Kpi, Phase
from cellfab.scenario import Scenario
from cellfab.units import TICKS_PER_WEEK

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
NOT_ALL_STEPS = "a step has seen nothing of the product in that time"
_PER_KWH = ("nothing was sold", "USD/kWh")
QUARTER_WEEKS = 13
_TICKS_PER_H = 3.6e9

WEEKLY = (
    "week", "phase", "product", "cells_started", "cells_good", "cells_unsold", "cells_scrapped", "line_yield",
    "good_energy_mwh", "full_cost_usd", "cash_cost_usd", "cost_usd_per_kwh", "cash_cost_usd_per_kwh",
    "idle_cost_usd", "cells_per_min",
)  # fmt: skip
SCRAP = ("product", "station", "step", "cause", "text", "rows", "row_unit", "cell_equivalents", "usd", "false_rejects")
ESCAPES = ("mechanism", "cells", "cells_sold", "ppm", *(f"failed_ppm_{age}y" for age in FIELD_YEARS))
STEPS = ("product", "station", "step", "rows_in", "rows_scrapped", "row_unit", "step_yield")
COSTS = ("week", "station", "place", "step", "product", "account", "quantity", "unit", "usd")
MATERIALS = ("material", "fate", "quantity", "unit", "kg", "usd", "co2_kg")
INCOMES = ("week", "place", "account", "product", "quantity", "unit", "usd")
CASH = (
    "week", "simulated", "sales_usd", "credits_usd", "recycling_usd", "operating_usd", "capital_usd", "net_usd",
    "cumulative_usd",
)  # fmt: skip
HOLDINGS = ("week", "holding", "product", "form", "account", "quantity", "unit", "usd")
RELEASES = ("week", "station", "place", "product", "holding", "reason", "form", "rows", "energy_kwh", "usd")
STATES_COLUMNS = ("week", "station", "state", "hours")
BUFFERS = ("buffer", "unit", "capacity", "mean", "maximum", "wait_mean_s", "wait_p95_s")
"""Columns of the frames of `RunResult`, after `replicate`."""


def combine(replicates: Sequence[Mapping[str, Kpi]]) -> dict[str, Kpi]:
    """Mean over replicates with its 95 % t-interval; of a text, the one that came most often.

    A figure that some replicates could not give is averaged over those that could; `n` says how many.
    """
    combined: dict[str, Kpi] = {}
    for name in dict.fromkeys(name for kpis in replicates for name in kpis):
        found = [kpis[name] for kpis in replicates if name in kpis]
        values = [kpi.value for kpi in found if kpi.value is not None]
        unit = found[0].unit
        if not values:
            combined[name] = Kpi(None, unit, n=0, reason=found[0].reason)
        elif isinstance(values[0], str):
            combined[name] = Kpi(statistics.mode(values), unit, n=len(values))
        else:
            combined[name] = _mean([float(value) for value in values], unit)
    return combined


def _mean(values: list[float], unit: str) -> Kpi:
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return Kpi(mean, unit)
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2.0)) * statistics.stdev(values) / math.sqrt(n)
    return Kpi(mean, unit, mean - half, mean + half, n)


# ---- key figures of a plant -----------------------------------------------------------------------------------


def line_kpis(replicate: Replicate) -> dict[str, Kpi]:
    """Key figures of the flow of one replicate, and where its warm-up was cut if that was to be found."""
    kpis = flow_kpis(replicate.flow)
    if replicate.cut is not None:
        kpis["warmup_h"] = Kpi(replicate.flow.warmup / _TICKS_PER_H, "h")
        kpis["warmup_found"] = Kpi(float(replicate.cut.settled), "1")
    return kpis


def plant_kpis(books: Books, replicate: Replicate, rated: Mapping[str, float]) -> dict[str, Kpi]:
    """Key figures of one replicate of a plant; `rated` is the mature good output by product, cells per week."""
    plant, flow = books.plant, replicate.flow
    kpis = line_kpis(replicate)
    good, unsold = sum(plant.cells_good.values()), sum(plant.cells_unsold.values())
    scrapped = sum(plant.cells_scrapped.values())
    everything = total(books.periods)
    last_quarter = total(books.periods, books.weeks - QUARTER_WEEKS, books.weeks)
    hours = flow.horizon / _TICKS_PER_H
    product = books.product_of_week(books.weeks - 1)
    kpis |= {
        "throughput_per_h": Kpi((good + unsold) / hours, "1/h"),
        "good_energy_mwh": Kpi(everything.good_kwh / 1e3, "MWh"),
        "good_energy_mwh_last_quarter": Kpi(last_quarter.good_kwh / 1e3, "MWh"),
        "final_yield": _ratio(good + unsold, good + unsold + scrapped, "no cell has been finished or scrapped"),
        "rolled_throughput_yield": _known(books.rolled_throughput_yield(product), "1", NOT_ALL_STEPS),
        "first_pass_yield": _known(books.first_pass_yield(product), "1", NOT_ALL_STEPS),
        "line_yield_last_quarter": _known(
            books.line_yield(product, books.weeks - QUARTER_WEEKS, books.weeks), "1", NOT_ALL_STEPS
        ),
        "cost_usd_per_kwh": _known(everything.usd_per_kwh, "USD/kWh", "nothing was sold"),
        "cash_cost_usd_per_kwh": _known(everything.cash_usd_per_kwh, "USD/kWh", "nothing was sold"),
        "price_usd_per_kwh": _ratio(price_usd(everything, plant.economics), everything.good_kwh, *_PER_KWH),
        "net_cost_usd_per_kwh": _known(everything.net_usd_per_kwh, "USD/kWh", "nothing was sold"),
        "cost_usd_per_kwh_last_quarter": _known(last_quarter.usd_per_kwh, "USD/kWh", "nothing was sold"),
        "cash_cost_usd_per_kwh_last_quarter": _known(last_quarter.cash_usd_per_kwh, "USD/kWh", "nothing was sold"),
        "energy_kwh_per_kwh": _known(everything.energy_kwh_per_kwh, "kWh/kWh", "nothing was sold"),
        "scrap_cost_usd": Kpi(everything.by_holding.get(Holding.SCRAP, 0.0) + everything.recycling_usd, "USD"),
        "recycling_musd": Kpi(everything.recycling_usd / 1e6, "MUSD"),
        "tariffs_musd": Kpi(_of_accounts(everything, TARIFFS) / 1e6, "MUSD"),
        "sales_musd": _sales(everything, plant),
        "credits_musd": Kpi(everything.credits_usd / 1e6, "MUSD"),
        "working_capital_musd": Kpi(_working_capital_usd(plant) / 1e6, "MUSD"),
        "material_assistance_share": _material_assistance(plant),
        "false_reject_cost_usd": _false_rejects(plant),
        "rack_usable_fraction": _rack_usable(plant, product),
        "escape_ppm": _ratio(1e6 * plant.escaped_cells, good, "nothing was sold", "ppm"),
    }
    kpis |= {
        f"escape_ppm.{mechanism}": _ratio(1e6 * count, good, "nothing was sold", "ppm")
        for mechanism, count in sorted(plant.escapes.items())
    }
    kpis |= buyer_kpis(books)
    kpis |= energy_kpis(plant)
    kpis |= _field_failures(plant, good)
    kpis |= _capital(books, replicate)
    kpis |= _nameplate(plant.scenario, rated)
    kpis |= _ramp_dates(books, replicate, rated)
    kpis |= mode_kpis(plant, flow.horizon)
    if replicate.conversion is not None:
        kpis |= converted.conversion_kpis(plant.scenario, replicate.conversion)
    kpis |= kpis_by_line(books, rated, converted.line_stops(plant.scenario, replicate.conversion))
    return kpis


def _of_accounts(period: Period, prefix: str) -> float:
    return math.fsum(usd for account, usd in period.by_account.items() if account.startswith(prefix))


def _sales(period: Period, plant: Plant) -> Kpi:
    if unpriced := _unpriced(plant):
        return Kpi(None, "MUSD", reason=unpriced)
    return Kpi(period.sales_usd / 1e6, "MUSD")


def _unpriced(plant: Plant) -> str:
    """Why there are no sales; empty if every product has a price."""
    prices = plant.scenario.spec.sale_prices()
    missing = [f"'{name}'" for name in plant.scenario.spec.products if name not in prices]
    return f"sale_price_usd_per_kwh of {', '.join(missing)} is not given" if missing else ""


def _working_capital_usd(plant: Plant) -> float:
    """Mean over the weeks of the money bound in stock, work in progress and bills."""
    bound = [debit.quantity for debit in plant.ledger.debits() if debit.account == WORKING_CAPITAL]
    return math.fsum(bound) / len(bound) if bound else 0.0


def _material_assistance(plant: Plant) -> Kpi:
    """Least material assistance cost ratio of any product over the run, by its strictest credit."""
    rules = [credit.material_assistance for credit in plant.economics.credits.values()]
    known = [
        whole_material_assistance(plant.ledger, plant.scenario.spec.materials, rule.prohibited_origins)
        for rule in rules
        if rule is not None
    ]
    ratios = [ratio for by_product in known for ratio in by_product.values()]
    if not ratios:
        return Kpi(None, "1", reason="no credit asks where materials come from, or nothing was sold")
    return Kpi(min(ratios), "1")


def _false_rejects(plant: Plant) -> Kpi:
    """Value of the sound rows that inspections threw away, as far as steps tell which were sound."""
    if not plant.false_rejects:
        return Kpi(None, "USD", reason="no step tells which of the rows that it rejects are sound")
    return Kpi(math.fsum(usd for _, usd in plant.false_rejects.values()), "USD")


def _rack_usable(plant: Plant, product: str) -> Kpi:
    """What the weakest cells of matched strings leave usable; of buyers, those of who pays most."""
    buyers = plant.by_buyer.buyers.get(product)
    racks = plant.by_buyer.racks.get((product, buyers[0][0])) if buyers else plant.racks.get(product)
    return _known(racks.usable_fraction if racks else None, "1", "no string of cells in series is complete")


def _field_failures(plant: Plant, sold: int) -> dict[str, Kpi]:
    """Cells that fail within ten years because of a defect that no test found, per million sold.

    A cell with two defects counts for both: an upper bound, and close, for such cells are rare among the rare.
    """
    quality = plant.scenario.spec.quality
    if quality is None or not quality.field:
        reason = "the scenario has no `quality.field`"
        return {"field_failures_ppm_10y": Kpi(None, "ppm", reason=reason)} if plant.escapes else {}
    kpis: dict[str, Kpi] = {}
    whole, unknown = 0.0, []
    for mechanism, cells in sorted(plant.escapes.items()):
        hazard = quality.field.get(mechanism)
        if hazard is not None:
            failed = cells * hazard.failed_share(REFERENCE_YEARS)
            whole += failed
            kpis[f"field_failures_ppm_10y.{mechanism}"] = _ratio(1e6 * failed, sold, "nothing was sold", "ppm")
        elif cells:
            unknown.append(mechanism)
    if unknown:
        reason = f"`quality.field` does not say what becomes of cells with: {', '.join(unknown)}"
        total_kpi = Kpi(None, "ppm", reason=reason)
    else:
        total_kpi = _ratio(1e6 * whole, sold, "nothing was sold", "ppm")
    return {"field_failures_ppm_10y": total_kpi, **kpis}


def capital_usd(scenario: Scenario, replicate: Replicate) -> dict[int, float]:
    """Capital by the week in which it is spent: of a conversion what that takes, else the whole plant at the start;
    lines that come later are paid when they come."""
    conversion, economics = replicate.conversion, scenario.spec.economics
    assert economics is not None
    by_week: dict[int, float] = {}
    for name, tick in scenario.layout.begins().items():
        if name in scenario.spec.line.stations and tick < replicate.flow.horizon:
            site, week = scenario.spec.line.stations[name].economics, tick // TICKS_PER_WEEK
            usd = site.capex_musd * 1e6 + site.floor_m2 * economics.building_usd_per_m2
            by_week[week] = by_week.get(week, 0.0) + usd
    if conversion is not None:
        for spend in conversion.capital(replicate.flow.horizon):
            week = spend.tick // TICKS_PER_WEEK
            by_week[week] = by_week.get(week, 0.0) + spend.musd * 1e6
        return by_week
    sites = list(_sites_by(scenario, 0))
    floor = economics.plant.floor_m2 + sum(site.floor_m2 for site in sites)
    first = economics.plant.capex_musd + sum(site.capex_musd for site in sites)
    by_week[0] = by_week.get(0, 0.0) + (first * 1e6 + floor * economics.building_usd_per_m2)
    return by_week


def _sites_by(scenario: Scenario, tick: int) -> Iterator[StationEconomics]:
    """Stations that are there at a tick."""
    begins = scenario.layout.begins()
    for name, station in scenario.spec.line.stations.items():
        if begins.get(name, 0) <= tick:
            yield station.economics


def _installed_musd(scenario: Scenario, tick: int) -> float:
    """Equipment of the stations that are there at a tick, and of the plant, as it is before any conversion."""
    assert scenario.spec.economics is not None
    stations = sum(site.capex_musd for site in _sites_by(scenario, tick))
    return stations + scenario.spec.economics.plant.capex_musd


def _capital(books: Books, replicate: Replicate) -> dict[str, Kpi]:
    """Capital, and what the plant's cash flow is worth."""
    plant, conversion = books.plant, replicate.conversion
    installed = _installed_musd(plant.scenario, replicate.flow.horizon - 1)
    share = plant.economics.valuation.discount_share_per_year
    share = plant.economics.capital.interest_share_per_year if share is None else share
    levelised = levelised_usd_per_kwh(books.periods, share)
    return {
        "installed_capital_musd": Kpi(installed, "MUSD"),
        "capex_musd": Kpi(installed if conversion is None else sum(books.capital_usd.values()) / 1e6, "MUSD"),
        "levelised_cost_usd_per_kwh": _known(levelised, "USD/kWh", "nothing was sold"),
        "cash_burnt_in_scrap_musd": Kpi(cash_burnt_in_scrap_usd(plant.ledger) / 1e6, "MUSD"),
        **_valuation(books, share),
    }


def _valuation(books: Books, share_per_year: float) -> dict[str, Kpi]:
    units = {
        "npv_musd": "MUSD", "irr_share_per_year": "1", "payback_weeks": "weeks", "peak_cash_need_musd": "MUSD",
    }  # fmt: skip
    if unpriced := _unpriced(books.plant):
        return {name: Kpi(None, unit, reason=unpriced) for name, unit in units.items()}
    try:
        flow = books.cash_flow
    except ValueError as error:
        reason = f"the years after the run (economics.valuation.after_run_years) cannot be valued: {error}"
        return {name: Kpi(None, unit, reason=reason) for name, unit in units.items()}
    net = flow.net
    rate, why_rate = rate_of_return(net)
    weeks, why_weeks = payback_weeks(flow)
    values: dict[str, tuple[float | None, str]] = {
        "npv_musd": (present_value(net, share_per_year) / 1e6, ""),
        "irr_share_per_year": (rate, why_rate),
        "payback_weeks": (weeks, why_weeks),
        "peak_cash_need_musd": (max(0.0, -min(accumulate(net), default=0.0)) / 1e6, ""),
    }
    return {name: _known(value, units[name], why) for name, (value, why) in values.items()}


def _nameplate(scenario: Scenario, rated: Mapping[str, float]) -> dict[str, Kpi]:
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


def _ramp_dates(books: Books, replicate: Replicate, rated: Mapping[str, float]) -> dict[str, Kpi]:
    """Weeks until the four-week means reach 90 %: counted from the stop of a conversion, else from the start."""
    plant, conversion = books.plant, replicate.conversion
    start, product = 0.0, next(iter(plant.scenario.spec.products))
    if conversion is not None and conversion.plan is not None:
        start, product = conversion.plan.stop / TICKS_PER_WEEK, conversion.spec.product_to
    first = math.ceil(start)
    kpis = {}
    reached = None
    if product in rated:
        good = [plant.cells_good.get((week, product), 0) for week in range(books.weeks)]
        reached = first_week_at(good, TARGET_SHARE * rated[product], first)
    kpis["weeks_to_90pct_rate"] = _weeks(reached, start, "good output has not reached 90 % of the mature line's")
    decided = None if conversion is None else converted.decided_week(conversion)
    if decided is not None:
        reason = kpis["weeks_to_90pct_rate"].reason
        kpis["weeks_from_decision_to_90pct_rate"] = _weeks(reached, decided, reason)
    yields = [books.line_yield(product, week, week) for week in range(books.weeks)]
    reached = first_week_at(yields, TARGET_SHARE, first)
    kpis["weeks_to_90pct_yield"] = _weeks(reached, start, "line yield has not reached 90 %")
    return kpis


def _weeks(reached: int | None, start: float, reason: str) -> Kpi:
    return Kpi(None, "weeks", reason=reason) if reached is None else Kpi(reached + 1 - start, "weeks")


def _ratio(part: float, whole: float, reason: str, unit: str = "1") -> Kpi:
    return Kpi(part / whole, unit) if whole else Kpi(None, unit, reason=reason)


def _known(value: float | None, unit: str, reason: str) -> Kpi:
    return Kpi(None, unit, reason=reason) if value is None or math.isnan(value) else Kpi(value, unit)


# ---- curves -----------------------------------------------------------------------------------------------------


class WeeklyCurve(NamedTuple):
    """A figure by week, from week 0 on; NaN in a week that has none."""

    unit: str
    values: tuple[float, ...]


CURVES = {
    "cells_per_min": "1/min",
    "line_yield": "1",
    "good_energy_mwh": "MWh",
    "cost_usd_per_kwh": "USD/kWh",
    "cash_cost_usd_per_kwh": "USD/kWh",
}
"""Curves of a plant, columns of `RunResult.weekly`, and their units."""


def plant_curves(books: Books) -> dict[str, WeeklyCurve]:
    """What a plant was week by week."""
    rows = list(books.weekly())
    return {name: WeeklyCurve(unit, tuple(float(row[name]) for row in rows)) for name, unit in CURVES.items()}


def line_curves(flow: FlowResult) -> dict[str, WeeklyCurve]:
    """What a bare line was week by week: parts that left it, per hour."""
    weeks = -(-flow.horizon // TICKS_PER_WEEK)
    parts = [sum(sum(sink.weekly_parts[week].values()) for sink in flow.sinks.values()) for week in range(weeks)]
    hours = [(min(flow.horizon, (week + 1) * TICKS_PER_WEEK) - week * TICKS_PER_WEEK) / _TICKS_PER_H
             for week in range(weeks)]  # fmt: skip
    rates = tuple(made / span for made, span in zip(parts, hours, strict=True))
    return {"throughput_per_h": WeeklyCurve("1/h", rates)}


# ---- tables ---------------------------------------------------------------------------------------------------


def task_table(scenario: Scenario, replicates: Sequence[Replicate]) -> pd.DataFrame | None:
    """`RunResult.tasks`; None without a conversion."""
    done = [(index, one.conversion) for index, one in enumerate(replicates) if one.conversion is not None]
    if not done:
        return None
    return table(((i, row) for i, one in done for row in converted.conversion_tasks(scenario, one)), converted.TASKS)


def capacity_table(scenario: Scenario, replicates: Sequence[Replicate]) -> pd.DataFrame | None:
    """`RunResult.capacity`; None without a conversion."""
    if not replicates or replicates[0].conversion is None:
        return None
    weeks = -(-replicates[0].flow.horizon // TICKS_PER_WEEK)
    return table(((0, row) for row in converted.planned_capacity(scenario, weeks)), converted.CAPACITY)


def table(rows: Iterable[tuple[int, Mapping[str, Any]]], columns: Sequence[str]) -> pd.DataFrame:
    """A frame of (replicate, row) pairs with the given columns, `replicate` first."""
    import pandas as pd  # a third of a second, which the workers of a study do not need

    return pd.DataFrame([{"replicate": replicate, **row} for replicate, row in rows], columns=["replicate", *columns])


def line_table(books: Sequence[Books]) -> pd.DataFrame | None:
    """`RunResult.lines`; None where there is one line."""
    if not books or not books[0].plant.scenario.layout.lines:
        return None
    return table(((index, row) for index, book in enumerate(books) for row in line_rows(book)), LINES)


def buyer_table(books: Sequence[Books]) -> pd.DataFrame | None:
    """`RunResult.buyers`; None where nothing is sold by specifications."""
    if not books or not books[0].plant.by_buyer.buyers:
        return None
    return table(((index, row) for index, book in enumerate(books) for row in buyer_rows(book)), BUYERS)


def station_table(scenario: Scenario) -> pd.DataFrame | None:
    """`RunResult.stations`; None where there is one line."""
    if not scenario.layout.lines:
        return None
    return table(((0, row) for row in station_rows(scenario)), STATIONS)


def mode_table(books: Sequence[Books]) -> pd.DataFrame | None:
    """`RunResult.modes`; None where the line does not learn by causes."""
    if not books or books[0].plant.modes is None:
        return None
    return table(((index, row) for index, book in enumerate(books) for row in mode_rows(book.plant)), MODES)


def states(flow: FlowResult) -> Iterable[dict[str, Any]]:
    """Rows of `RunResult.states`."""
    for name, station in flow.stations.items():
        for week, ticks in enumerate(station.weekly_ticks):
            for state, spent in zip(STATES, ticks, strict=True):
                if spent:
                    yield {"week": week, "station": name, "state": state, "hours": float(spent) / _TICKS_PER_H}


def buffers(flow: FlowResult) -> Iterable[dict[str, Any]]:
    """Rows of `RunResult.buffers`."""
    for name, queue in flow.queues.items():
        yield {
            "buffer": name,
            "unit": queue.unit or "lots",
            "capacity": math.nan if queue.capacity is None else queue.capacity,
            "mean": queue.level_mean,
            "maximum": float(queue.level_max),
            "wait_mean_s": queue.wait.mean_s,
            "wait_p95_s": queue.wait.p95_s,
        }


def phases_of(replicate: Replicate) -> tuple[Phase, ...]:
    """Phases of the conversion, in weeks from the start."""
    if replicate.conversion is None:
        return ()
    return tuple(
        Phase(phase.name, phase.start / TICKS_PER_WEEK, (phase.end or 0) / TICKS_PER_WEEK, phase.text)
        for phase in replicate.conversion.phases(replicate.flow.horizon)
    )


def shocks_of(scenario: Scenario) -> tuple[Phase, ...]:
    """Shocks within the run, in weeks from its start, in the order of their beginnings."""
    run = scenario.spec.run
    horizon = round(run.horizon_h * _TICKS_PER_H)
    found = []
    for name, shock in scenario.spec.shocks.items():
        first, last = span(shock, run.start_date, horizon)
        text = shock.text or " ".join(filter(None, (shock.kind.replace("_", " "), shock.subject)))
        found.append(Phase(name, first / TICKS_PER_WEEK, last / TICKS_PER_WEEK, text))
    return tuple(sorted(found, key=lambda phase: phase.start_week))


def nodes(line: Line) -> tuple[tuple[str, str, str], ...]:
    """(name, kind, step) of every node of the line."""
    found = [(name, "source", "") for name in line.sources]
    for name, station in line.stations.items():
        steps = [station.step or ""]
        if isinstance(station, SerialStation) and station.machines:
            steps = [machine.step or machine_name for machine_name, machine in station.machines.items()]
        found.append((name, station.kind, ", ".join(steps)))
    found += [(name, "buffer", "") for name in line.buffers]
    found += [(name, "sink", "") for name in line.sinks]
    return tuple(found)


def edges(line: Line) -> tuple[tuple[str, str], ...]:
    """(from, to) of every connection of the line."""
    takers = (*line.stations.items(), *line.buffers.items(), *line.sinks.items())
    return tuple((giver, name) for name, taker in takers for giver in givers(taker.feed))


def givers(feed: Feed) -> tuple[str, ...]:
    """Names in a `from`."""
    return (feed,) if isinstance(feed, str) else tuple(feed)


def counts(replicates: Sequence[Replicate]) -> dict[str, int]:
    """What was counted over all replicates."""
    plants = [done.plant for done in replicates if done.plant is not None]
    return {
        "cells_started": sum(sum(plant.cells_started.values()) for plant in plants),
        "cells_good": sum(sum((*plant.cells_good.values(), *plant.cells_unsold.values())) for plant in plants),
        "cells_scrapped": sum(sum(plant.cells_scrapped.values()) for plant in plants),
        "cells_wip": sum(plant.cells_inside for plant in plants),
        "lots": sum(done.flow.lots_entered for done in replicates),
        "sim_events": sum(done.flow.events for done in replicates),
        "random_draws": sum(done.flow.random_draws for done in replicates),
    }
