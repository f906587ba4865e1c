"""The books of a finished plant replicate, as tidy rows: weeks, steps, scrap and cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from cellfab.core.causes import describe
from cellfab.core.ledger import Holding
from cellfab.economics.cash_flow import CashFlow, cash_flow
from cellfab.economics.statement import Period, total, weekly_periods
from cellfab.economics.views import material_fates
from cellfab.plant import Plant
from cellfab.result import Phase
from cellfab.scenario import Place, Scenario, places
from cellfab.units import HOURS_PER_WEEK

ROLLING_WEEKS = 4
"""Weekly cost and the dates at which a target is reached are means over so many weeks, the week itself last."""
MINUTES_PER_WEEK = HOURS_PER_WEEK * 60

WEEKLY = (
    "week", "phase", "product", "cells_started", "cells_good", "cells_unsold", "cells_scrapped", "line_yield",
    "good_energy_mwh", "full_cost_usd", "cash_cost_usd", "cost_usd_per_kwh", "cash_cost_usd_per_kwh",
    "idle_cost_usd", "cells_per_min",
)  # fmt: skip
SCRAP = ("product", "station", "step", "cause", "text", "rows", "row_unit", "cell_equivalents", "usd", "false_rejects")
STEPS = ("product", "station", "step", "rows_in", "rows_scrapped", "row_unit", "step_yield")
COSTS = ("week", "station", "place", "step", "product", "account", "quantity", "unit", "usd")
MATERIALS = ("material", "fate", "quantity", "unit", "kg", "usd", "co2_kg")
INCOMES = ("week", "place", "account", "product", "quantity", "unit", "usd")
HOLDINGS = ("week", "holding", "product", "form", "account", "quantity", "unit", "usd")
RELEASES = ("week", "station", "place", "product", "holding", "reason", "form", "rows", "energy_kwh", "usd")
"""Columns of the frames of `RunResult`, after `replicate`."""


class Books:
    """Views of one replicate of a plant.

    Parameters
    ----------
    plant : Plant
        After the run, with its books closed.
    weeks : int
        Simulated weeks, a last part of a week included.
    phases : tuple of Phase
        Of the conversion.
    capital_usd : mapping of week to usd
        Capital when it is spent: of a new plant all of it, of a conversion what that takes.
    """

    def __init__(
        self, plant: Plant, weeks: int, phases: tuple[Phase, ...], capital_usd: Mapping[int, float] | None = None
    ) -> None:
        self.plant = plant
        self.capital_usd = dict(capital_usd or {})
        self.weeks = weeks
        self.phases = phases
        self.periods: dict[int, Period] = weekly_periods(plant.ledger)
        self.places: tuple[Place, ...] = tuple(places(plant.scenario.spec.line))
        self._by_line = _places_by_line(plant.scenario, self.places)
        self._counts = self._count_by_week()

    # ---- yields ---------------------------------------------------------------------------------------------

    def _count_by_week(self) -> dict[tuple[str, str], dict[int, tuple[int, int]]]:
        counts: dict[tuple[str, str], dict[int, tuple[int, int]]] = {}
        for count in self.plant.tally.steps():
            counts.setdefault((count.product, count.place), {})[count.week] = (count.rows_in, count.rows_scrapped)
        return counts

    def step_count(self, product: str, place: str, first: int = 0, last: int | None = None) -> tuple[int, int]:
        """Rows in and rows scrapped at a place, weeks `first` to `last` (both included)."""
        end = self.weeks if last is None else last
        counts = self._counts.get((product, place), {})
        chosen = [counts[week] for week in range(max(first, 0), end + 1) if week in counts]
        return sum(rows for rows, _ in chosen), sum(lost for _, lost in chosen)

    def line_yield(self, product: str, first: int = 0, last: int | None = None, line: str = "") -> float:
        """Good cells per pair of electrodes begun: what passes all cell steps, times what passes the worse electrode's.

        NaN if a step saw nothing in those weeks. Of several lines: of one, or of all by the cells that each began.
        """
        if not line and self._by_line:
            return self._over_lines(lambda one: self.line_yield(product, first, last, one), product, first, last)
        passed: dict[str, float] = {}
        for place, share in self._step_yields(product, first, last, line):
            material = self.plant.materials.get(place, "cell")
            passed[material] = passed.get(material, 1.0) * share
        electrodes = [share for material, share in passed.items() if material != "cell"]
        return passed.get("cell", math.nan) * min(electrodes, default=math.nan)

    def rolled_throughput_yield(self, product: str, line: str = "") -> float:
        """Product of the yields of all steps, both electrodes' included; NaN if a step saw nothing."""
        if not line and self._by_line:
            return self._over_lines(lambda one: self.rolled_throughput_yield(product, one), product)
        return math.prod(share for _, share in self._step_yields(product, line=line))

    def _step_yields(
        self, product: str, first: int = 0, last: int | None = None, line: str = ""
    ) -> Iterator[tuple[str, float]]:
        for place in self._by_line.get(line, self.places):
            rows, lost = self.step_count(product, place.key, first, last)
            yield place.key, 1.0 - lost / rows if rows else math.nan

    def _over_lines(self, of: Callable[[str], float], product: str, first: int = 0, last: int | None = None) -> float:
        """Mean of a share over the lines that began cells of a product, by how many each began; NaN if none did."""
        end = self.weeks if last is None else last
        begun: dict[str, int] = {}
        for key, cells in self.plant.by_line.started.items():
            if key.product == product and key.line and first <= key.week <= end:
                begun[key.line] = begun.get(key.line, 0) + cells
        shares = [(cells, of(line)) for line, cells in begun.items()]
        known = [(cells, share) for cells, share in shares if not math.isnan(share)]
        whole = sum(cells for cells, _ in known)
        return math.fsum(cells * share for cells, share in known) / whole if whole else math.nan

    def first_pass_yield(self, product: str, line: str = "") -> float:
        """As `rolled_throughput_yield`, but what was worked on twice did not pass the first time."""
        if not line and self._by_line:
            return self._over_lines(lambda one: self.first_pass_yield(product, one), product)
        passed = self.rolled_throughput_yield(product, line)
        for place in self._by_line.get(line, self.places):
            rows, lost = self.step_count(product, place.key)
            again = self.plant.reworked.get((product, place.key), 0)
            if again:
                passed *= max(0.0, 1.0 - again / (rows - lost))
        return passed

    def product_of_week(self, week: int) -> str:
        """What most of the cells started (or else finished) that week were; the product last made if none were."""
        for back in range(week, -1, -1):
            for counts in (self.plant.cells_started, self.plant.cells_good, self.plant.cells_unsold):
                made = {product: number for (when, product), number in counts.items() if when == back and number}
                if made:
                    return max(made, key=lambda product: made[product])
        return next(iter(self.plant.scenario.spec.products))

    # ---- rows -----------------------------------------------------------------------------------------------

    def weekly(self) -> Iterator[dict[str, Any]]:
        """Rows of `RunResult.weekly`."""
        plant = self.plant
        weeks_run = plant.scenario.spec.run.horizon_h / HOURS_PER_WEEK  # the last week may be a part of one
        for week in range(self.weeks):
            product = self.product_of_week(week)
            period = self.periods.get(week)
            recent = total(self.periods, max(0, week - ROLLING_WEEKS + 1), week)
            good = _of_week(plant.cells_good, week)
            unsold = _of_week(plant.cells_unsold, week)
            yield {
                "week": week,
                "phase": self.phase_of(week),
                "product": product,
                "cells_started": _of_week(plant.cells_started, week),
                "cells_good": good,
                "cells_unsold": unsold,
                "cells_scrapped": _of_week(plant.cells_scrapped, week),
                "line_yield": self.line_yield(product, week, week),
                "good_energy_mwh": sum(kwh for (when, _), kwh in plant.good_kwh.items() if when == week) / 1e3,
                "full_cost_usd": period.full_cost_usd if period else 0.0,
                "cash_cost_usd": period.cash_cost_usd if period else 0.0,
                "cost_usd_per_kwh": _or_nan(recent.usd_per_kwh),
                "cash_cost_usd_per_kwh": _or_nan(recent.cash_usd_per_kwh),
                "idle_cost_usd": period.by_holding.get(Holding.IDLE_CAPACITY, 0.0) if period else 0.0,
                "cells_per_min": (good + unsold) / (MINUTES_PER_WEEK * min(1.0, weeks_run - week)),
            }

    def phase_of(self, week: int) -> str:
        """Name of the phase in the middle of a week; "running" outside a conversion, "released" after it."""
        middle = week + 0.5
        for phase in self.phases:
            if phase.start_week <= middle < phase.end_week:
                return phase.name
        return "released" if self.phases and middle >= self.phases[-1].end_week else "running"

    def scrap(self) -> Iterator[dict[str, Any]]:
        """Rows of `RunResult.scrap`: counts by cause from the tally, money by cause from the ledger."""
        station_of = {place.key: place for place in self.places}
        sums: dict[tuple[str, str, int], list[float]] = {}
        for count in self.plant.tally.scraps():
            row = sums.setdefault((count.product, count.place, count.cause), [0.0, 0.0])
            row[0] += count.rows
            row[1] += count.cell_equivalents
        usd = self._scrap_usd()
        for (product, place, code), (rows, equivalents) in sums.items():
            if not rows:
                continue
            known = station_of.get(place)
            yield {
                "product": product,
                "station": place,
                "step": known.step if known else "line",
                "cause": describe(code).name,
                "text": describe(code).text,
                "rows": int(rows),
                "row_unit": self.row_unit(place),
                "cell_equivalents": equivalents,
                "usd": usd.get((product, place, describe(code).name), 0.0),
                "false_rejects": self.plant.false_rejects.get((product, place, describe(code).name), (math.nan,))[0],
            }

    def _scrap_usd(self) -> dict[tuple[str, str, str], float]:
        usd: dict[tuple[str, str, str], float] = {}
        for release in self.plant.ledger.releases(Holding.SCRAP):
            key = (release.product, release.place, release.reason)
            usd[key] = usd.get(key, 0.0) + release.usd
        return usd

    def steps(self) -> Iterator[dict[str, Any]]:
        """Rows of `RunResult.steps`."""
        for product in self.plant.scenario.spec.products:
            for place in self.places:
                rows, lost = self.step_count(product, place.key)
                if rows:
                    yield {
                        "product": product,
                        "station": place.key,
                        "step": place.step,
                        "rows_in": rows,
                        "rows_scrapped": lost,
                        "row_unit": self.row_unit(place.key),
                        "step_yield": 1.0 - lost / rows,
                    }

    def row_unit(self, place: str) -> str:
        """What a row is at a place."""
        return self.plant.row_units.get(place, "cells")

    def costs(self) -> Iterator[dict[str, Any]]:
        """Rows of `RunResult.costs`."""
        step_of = {place.key: place.step for place in self.places}
        for debit in self.plant.ledger.debits():
            yield {"station": debit.station, "step": step_of.get(debit.place, ""), **debit._asdict()}

    @cached_property
    def cash_flow(self) -> CashFlow:
        """Money by week of the run and of the years after it.

        Raises
        ------
        ValueError
            If a schedule has no value in the years after the run.
        """
        plant, spec = self.plant, self.plant.scenario.spec
        weeks = spec.run.horizon_h / HOURS_PER_WEEK
        sale, start = spec.sale_prices(), spec.run.start_date
        return cash_flow(
            plant.ledger, plant.economics, spec.materials, plant.prices, sale, start, weeks, self.capital_usd,
            plant.by_buyer.price_ratios(),
        )  # fmt: skip

    def incomes(self) -> Iterator[dict[str, Any]]:
        """Rows of `RunResult.incomes`."""
        for income in self.plant.ledger.incomes():
            yield income._asdict()

    def material_fates(self) -> Iterator[dict[str, Any]]:
        """Rows of `RunResult.materials`."""
        for fate in material_fates(self.plant.ledger, self.plant.scenario.spec.materials):
            yield fate._asdict()

    def holdings(self) -> Iterator[dict[str, Any]]:
        """Rows of `RunResult.holdings`."""
        for held in self.plant.ledger.held():
            yield {**held._asdict(), "holding": str(held.holding)}

    def releases(self) -> Iterator[dict[str, Any]]:
        """Rows of `RunResult.releases`."""
        for release in self.plant.ledger.releases():
            yield {"station": release.station, **release._asdict(), "holding": str(release.holding)}


def _places_by_line(scenario: Scenario, found: tuple[Place, ...]) -> dict[str, tuple[Place, ...]]:
    """What a lot of each line passes: its own places and those that are shared; empty where there is one line."""
    line_of = scenario.layout.line_of
    return {
        line: tuple(place for place in found if line_of.get(place.station, line) == line)
        for line in scenario.layout.lines
    }


def _of_week(counts: Mapping[tuple[int, str], int], week: int) -> int:
    return sum(number for (when, _), number in counts.items() if when == week)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
