"""What a run gives back: frozen, tidy, and never computed again by looking at it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

NOTHING_SOLD = "nothing was sold"
"""The reason why a figure for each kWh or cell sold is missing."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One figure with its unit and, over replicates, its 95 % confidence interval.

    `value` is a number, a text (the name of the bottleneck), or None where there is nothing to report;
    `reason` then says why.
    """

    value: float | str | None
    unit: str
    ci_low: float | None = None
    ci_high: float | None = None
    n: int = 1
    reason: str = ""

    @classmethod
    def known(cls, value: float | None, unit: str, reason: str) -> Kpi:
        """A number; where it is None or NaN, the reason instead."""
        return cls(None, unit, reason=reason) if value is None or math.isnan(value) else cls(value, unit)

    @classmethod
    def ratio(cls, part: float, whole: float, unit: str, reason: str) -> Kpi:
        """A part of a whole; where the whole is nothing, the reason instead."""
        return cls.known(part / whole if whole else None, unit, reason)


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of calendar time with a name: running, drain, rebuild, qualification, released."""

    name: str
    start_week: float
    end_week: float
    text: str = ""


@dataclass(frozen=True)
class RunResult:
    """All replicates of one scenario.

    Attributes
    ----------
    name, digest : str
        Of the scenario; the digest covers everything a run depends on except the seed.
    seed, replicates : int
    kpi : mapping of str to Kpi
    weekly : DataFrame
        One row per replicate and week (plants only): replicate, week, phase, product, cells_started, cells_good,
        cells_unsold, cells_scrapped, line_yield (good cells per pair of electrodes begun, 0-1),
        good_energy_mwh (sold), full_cost_usd, cash_cost_usd, cost_usd_per_kwh (full, rolling four weeks; NaN without
        sales), cash_cost_usd_per_kwh, idle_cost_usd (of the full
        cost: what no lot has absorbed), cells_per_min (good cells over calendar time).
    scrap : DataFrame
        replicate, product, station, step, cause, text, rows, row_unit (charges, segments or cells),
        cell_equivalents, usd (value already added), false_rejects (rows of these that were sound; NaN where the step
        does not tell).
    steps : DataFrame
        replicate, product, station, step, rows_in, rows_scrapped, row_unit, step_yield: first-pass yield by step.
    costs : DataFrame
        The ledger: replicate, week, station, place ("station", or "station.machine" in a chain), step (done at that
        place; "" where none is), product ("" for what no product caused), account, quantity, unit, usd.
    materials : DataFrame
        Where what was bought went: replicate, material, fate (in_good_cells, in_unsold_cells, scrapped_electrode,
        scrapped_cell, returned, in_progress, lost_in_handling), quantity, unit, kg, usd (without duty), co2_kg
        (of making it; 0 for a material without a factor).
    incomes : DataFrame
        The income side of the ledger: replicate, week, place, account ("sales", "credits.NAME", "recycling.MATERIAL"),
        product, quantity, unit, usd; money for scrap can be negative, where it must be disposed of.
    states : DataFrame
        replicate, week, station, state, hours (summed over the station's units).
    bottlenecks : DataFrame or None
        The shifting bottleneck (docs/bottlenecks.md): replicate, week, station, sole_h, shifting_h, bottleneck_h, share
        (of the week); stations that were none in a week are left out. None where nobody has watched.
    buffers : DataFrame
        replicate, buffer, unit, capacity, mean, maximum, wait_mean_s, wait_p95_s.
    output : DataFrame or None
        Of a bare line: replicate, week, product, parts (that reached a sink), per_h.
    escapes : DataFrame
        replicate, mechanism, cells (sold with that defect), cells_sold, ppm, and failed_ppm_1y, _5y, _10y and _20y:
        failed in the field by that age, per million cells sold (NaN without a hazard in `quality.field`).
    cash : DataFrame
        When money moves: replicate, week, simulated (1 in the run, 0 after it, where the plant goes on as in the last
        quarter), sales_usd, credits_usd, recycling_usd, operating_usd, capital_usd, net_usd, cumulative_usd.
    holdings : DataFrame
        Where the value of the ledger's postings went once it left work in progress: replicate, week, holding
        (finished_good, qualification, scrap, idle_capacity, expensed: together the full cost of the week; returned:
        taken off what was bought), product, form (of scrap: electrode or cell), account, quantity, unit, usd.
    releases : DataFrame
        The same value by station and reason (cause of scrap, product finished, or account): replicate, week, station,
        place, product, holding, reason, form, rows, energy_kwh (stored in good cells, else 0), usd.
    energy : DataFrame
        replicate, place ("station", "station.machine" or "plant"), step, carrier (electricity, heat), use (process:
        what the step's physics takes; working and stand_by: the station's power; warm_up; always_on), kwh, kwh_per_kwh
        (per good kWh; NaN without sales), scrap_kwh (of it, gone with what was scrapped), scrap_share, co2_kg.
    prices : DataFrame
        replicate 0: week, item (material, electricity, heat, consumables.NAME), unit, usd (with shocks, not duties).
    shocks : tuple of Phase
        By name, in the order of their beginnings; empty without any.
    tasks : DataFrame or None
        Of the conversion: replicate, task, kind, line, station, start_week, finish_week, planned_start_week,
        planned_finish_week, float_weeks, critical (1 on the path that decided the release), capex_musd, text.
    capacity : DataFrame or None
        As planned: replicate 0, week, product, mwh (the slowest station at its released speed, or full channels; never
        stopping, every cell good), sold_mwh (of it after the release).
    modes : DataFrame or None
        Failure modes of a line that learns by causes, one row per life of a mode: replicate, place (where it arises),
        mode, moves (capabilities it holds back), share (of their way from start to mature), since (what brought it:
        "start", "standstill", "conversion" or a setback), state at the end of the run (open, waiting for a team,
        being fixed, fixed), opened_week, seen_week, detected_week, begun_week and fixed_week (weeks from the start of
        the run; NaN for what did not come, and opened_week for what was fixed before it), cells and usd (worth of
        cells and value lost to it before it was fixed), text.
    written : mapping of str to str
        Of a plant of several lines: the name under `line` of every source, station, buffer and sink; else empty.
    lines : DataFrame or None
        Of a plant of several lines: replicate, week, line, weeks_since_start (weeks before are left out),
        cells_started, cells_good, cells_unsold, cells_scrapped, line_yield, good_energy_mwh. A cell belongs to the line
        on which it was wound or stacked.
    buyers : DataFrame or None
        Of a plant that sells by specifications: replicate, week, product, buyer, cells, kwh, usd (NaN without a sale
        price), short_cells (in truth less than the buyer demands: what the error of the tests let through).
    stations : DataFrame or None
        Of a plant of several lines: replicate (0), station, line ("" if they share it), written (its name under
        `line` in the configuration).
    phases : tuple of Phase
        Of the conversion, replicate 0; empty without one.
    nodes, edges : tuples
        The line as drawn in the report: (name, kind, step or "") and (from, to).
    counts, timing, manifest : mappings
        As in `cellfab run --json`; the manifest holds versions, seeds, engine and configuration files.
    assumptions : tuple of (path, value, low, high, text)
        Input values whose source says `assumption`, widest relative range first.
    warnings : tuple of (place, path, message, hint)
        What the review of the scenario found implausible; place is file:line:column.
    records : Path or None
        Folder with cells.parquet and genealogy.parquet, where the scenario records single cells, and with
        ledger_rows.parquet, where it asks for every posting.
    """

    name: str
    digest: str
    seed: int
    replicates: int
    kpi: Mapping[str, Kpi]
    weekly: pd.DataFrame
    scrap: pd.DataFrame
    steps: pd.DataFrame
    costs: pd.DataFrame
    states: pd.DataFrame
    buffers: pd.DataFrame
    phases: tuple[Phase, ...] = ()
    nodes: tuple[tuple[str, str, str], ...] = ()
    edges: tuple[tuple[str, str], ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    assumptions: tuple[tuple[str, float, float | None, float | None, str], ...] = ()
    warnings: tuple[tuple[str, str, str, str], ...] = ()
    records: Path | None = None
    escapes: pd.DataFrame | None = None
    incomes: pd.DataFrame | None = None
    materials: pd.DataFrame | None = None
    cash: pd.DataFrame | None = None
    holdings: pd.DataFrame | None = None
    releases: pd.DataFrame | None = None
    energy: pd.DataFrame | None = None
    prices: pd.DataFrame | None = None
    shocks: tuple[Phase, ...] = ()
    modes: pd.DataFrame | None = None
    tasks: pd.DataFrame | None = None
    capacity: pd.DataFrame | None = None
    written: Mapping[str, str] = field(default_factory=dict)
    lines: pd.DataFrame | None = None
    stations: pd.DataFrame | None = None
    bottlenecks: pd.DataFrame | None = None
    output: pd.DataFrame | None = None
    buyers: pd.DataFrame | None = None
