"""The quality of cells without a clock: yield by step, causes of scrap, escapes, false rejects, likeness and recalls.

Lots go through the quality chain (`cellfab.pilot`) at one maturity. What is too rare to be counted that way is looked
at a second time with importance sampling (`cellfab.quality.importance`).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.buyer_counts import buyers_by_product
from cellfab.config.buyer_spec import Buyer
from cellfab.config.cell_spec import CellDesign
from cellfab.core import notes
from cellfab.core.causes import describe
from cellfab.core.defects import MECHANISMS
from cellfab.core.joining import piece_rows
from cellfab.core.lot import Lot
from cellfab.core.racks import Racks
from cellfab.errors import UsageError
from cellfab.pilot import QualityChain, Visit, pilot_product
from cellfab.plant import cells_per_row
from cellfab.quality.escapes import EscapeCount, weighted_escape
from cellfab.quality.importance import sources
from cellfab.quality.likeness import Likeness, intraclass_correlation
from cellfab.quality.report import BuyerGrade, Escape, Grades, Loss, QualityReport, Recall, StepYield
from cellfab.scenario import Scenario
from cellfab.steps.base import Merge

ENOUGH = 100
"""Cells that a counted figure should rest on (10 % standard error); with fewer, importance sampling is tried."""
_SIDES = ("cathode", "anode")
Counts = npt.NDArray[np.float64]


def quality(
    scenario: Scenario, product: str | None = None, *, seed: int = 1, maturity: float = 1.0, lots: int = 20,
    mechanism: str | None = None,
) -> QualityReport:  # fmt: skip
    """Send lots through the quality chain and say what becomes of them.

    Parameters
    ----------
    scenario : Scenario
        A plant.
    product : str, optional
        Default: a conversion's new product, else the first one made.
    seed : int
        Names the random numbers.
    maturity : float
        Of every place, 0-1.
    lots : int
        At least 2.
    mechanism : str, optional
        Only this hidden defect. Default: all. Those of which fewer than `ENOUGH` escapes were counted are looked at
        with importance sampling where their source is known; one that is named here always is.

    Raises
    ------
    ConfigError
        If the scenario is a bare line or has no such product.
    UsageError
        If the mechanism is unknown, the maturity out of range, or the lots too few.
    """
    scenario = scenario.one_line
    product = pilot_product(scenario, product)
    buyers = buyers_by_product(scenario.steps).get(product, ())
    design = scenario.spec.products[product].design
    if mechanism is not None and mechanism not in MECHANISMS:
        raise UsageError(f"'{mechanism}' is no hidden defect; known: {', '.join(MECHANISMS)}")
    if not 0.0 <= maturity <= 1.0:
        raise UsageError(f"maturity {maturity:g} is not between 0 and 1")
    if lots < 2:
        raise UsageError("at least 2 lots are needed to tell lots apart")
    seen = _Seen(design, buyers)
    chain = QualityChain(scenario, product, seed=seed, maturity=maturity)
    for ordinal in range(lots):
        seen.finished(chain.lot(ordinal, seen.visit))
    escapes = []
    for name in MECHANISMS if mechanism is None else (mechanism,):
        counted = seen.escape(name)
        known = sources(scenario, product, name)
        if known and (mechanism is not None or counted.seen < ENOUGH):
            weighted = weighted_escape(scenario, product, name, known, seed, maturity, lots)
            counted = weighted if weighted.seen and weighted.gain > 1.0 else counted
        escapes.append(counted)
    return seen.report(scenario, product, seed, maturity, lots, tuple(escapes))


class _Seen:
    """Sums over the lots of the chain."""

    def __init__(self, design: CellDesign, buyers: tuple[tuple[str, Buyer], ...]) -> None:
        self.design, self.buyers = design, buyers
        self.taken = {name: [0, 0] for name, _ in buyers}
        """Cells, and those short of what the buyer demands."""
        self.steps: dict[str, StepYield] = {}
        self.losses: dict[tuple[str, int], list[float]] = {}
        self.made = 0
        self.sold = 0
        self.tallies = {name: EscapeCount() for name in MECHANISMS}
        self._charge: dict[str, npt.NDArray[np.int64]] = {}
        self.capacity: list[Counts] = []
        self.groups: dict[str, list[npt.NDArray[np.int64]]] = {"cathode_charge": [], "anode_charge": []}
        self.charges: dict[str, set[int]] = {side: set() for side in _SIDES}
        """Charges in cells sold."""
        self.in_charges = dict.fromkeys(_SIDES, 0)
        """Cells sold, once for each charge that they have a piece of."""
        self.energy_kwh = 0.0
        self.racks_of = [Racks(place, name) for place, (name, _) in enumerate(buyers, start=1)]
        self.racks = self.racks_of[0] if buyers else Racks()
        self.grade_b = 0
        self.unmatched = 0.0
        """Unmatched usable fraction of each lot, once for each cell of grade A."""
        self.finished_lots = 0

    def visit(self, visit: Visit) -> None:
        made = visit.made
        unit = "cells" if made.material == "cell" else "charges" if made.unit == "kg" else "segments"
        place = self.steps.setdefault(visit.place.key, StepYield(visit.place.key, visit.place.step, unit))
        place.rows_in += visit.rows_in
        place.rows_lost += sum(rows for _, rows in visit.losses)
        place.reworked += visit.reworked
        for rows in visit.false_rejects.values():
            place.false_rejects = (place.false_rejects or 0) + rows
        for lot, code, rows in (*((made, *loss) for loss in visit.losses), *visit.sorted_out):
            sums = self.losses.setdefault((visit.place.key, code), [0.0, 0.0])
            sums[0] += rows
            sums[1] += rows * cells_per_row(lot)
        if isinstance(visit.step, Merge):
            self.made += made.n
            self._charge = {}
            for parent in visit.came:
                row, charge = made.columns.get(f"{parent.material}_row"), parent.columns.get("charge")
                if row is not None and charge is not None:
                    self._charge[parent.material] = charge[piece_rows(parent, row)].astype(np.int64)

    def finished(self, lots: list[Lot]) -> None:
        for lot in lots:
            sold = lot.alive()
            self.sold += lot.n_alive
            for name, tally in self.tallies.items():
                tally.add(lot, name, None)
            self.capacity.append(lot.columns["capacity_ah"][sold].astype(np.float64))
            facts = lot.attributes
            self.energy_kwh += facts.get("good_energy_kwh", 0.0)
            for racks in self.racks_of or (self.racks,):
                racks.add(lot)
            for name, taken in self.taken.items():
                taken[0] += int(facts.get(f"{notes.BUYER_CELLS}{name}", 0.0))
                taken[1] += int(facts.get(f"{notes.BUYER_SHORT}{name}", 0.0))
            self.grade_b += int(facts.get("grade_b_cells", 0.0))
            self.unmatched += facts.get("grade_a_cells", 0.0) * facts.get("rack_usable_fraction", 0.0)
            for side in _SIDES:
                charge = self._charge.get(side)
                if charge is not None:
                    of_sold = charge[sold] + 100_000 * self.finished_lots
                    self.groups[f"{side}_charge"].append(of_sold[:, 0])
                    # Charges follow one another along the web, so that a cell has another one where they differ.
                    self.charges[side].update(np.unique(of_sold).tolist())
                    self.in_charges[side] += of_sold.shape[0] + int(np.count_nonzero(np.diff(of_sold, axis=1)))
            self.finished_lots += 1

    def escape(self, mechanism: str) -> Escape:
        return self.tallies[mechanism].escape(mechanism)

    def likeness(self) -> dict[str, Likeness]:
        """Of true capacity, for the cells sold: by pair of rolls, and by charge."""
        capacity = np.concatenate(self.capacity) if self.capacity else np.empty(0)
        roll = np.repeat(np.arange(len(self.capacity)), [values.size for values in self.capacity])
        found = {"icc_capacity_roll": intraclass_correlation(capacity, roll)}
        for name, groups in self.groups.items():
            if len(groups) == len(self.capacity) and groups:
                found[f"icc_capacity_{name}"] = intraclass_correlation(capacity, np.concatenate(groups))
        return found

    def recalls(self) -> tuple[Recall, ...]:
        mwh_per_cell = 1e-3 * self.energy_kwh / self.sold if self.sold else math.nan
        found = []
        for side in _SIDES:
            number = len(self.charges[side])
            if number:
                cells = self.in_charges[side] / number
                found.append(Recall(f"{side} charge", number, cells, cells * mwh_per_cell))
        if self.finished_lots:
            cells = self.sold / self.finished_lots
            found.append(Recall("pair of mother rolls", self.finished_lots, cells, cells * mwh_per_cell))
        return tuple(found)

    def grades(self) -> Grades:
        racks = self.racks
        unmatched = self.unmatched / racks.cells if racks.cells else math.nan
        buyers = tuple(
            BuyerGrade(
                name, one.text, one.price_ratio, one.least_ah(self.design), one.most_mohm(self.design),
                self.taken[name][0], self.taken[name][0] / self.sold if self.sold else math.nan, self.taken[name][1],
                strings.strings, strings.usable_fraction,
            )
            for (name, one), strings in zip(self.buyers, self.racks_of, strict=True)
        )  # fmt: skip
        return Grades(racks.cells, self.grade_b, racks.strings, racks.waiting, racks.usable_fraction, unmatched, buyers)

    def report(
        self, scenario: Scenario, product: str, seed: int, maturity: float, lots: int, escapes: tuple[Escape, ...]
    ) -> QualityReport:
        whole = math.fsum(cells for _, cells in self.losses.values())
        losses = [
            Loss(place, describe(code).name, describe(code).text, int(rows), cells, cells / whole if whole else 0.0)
            for (place, code), (rows, cells) in self.losses.items()
        ]
        steps = tuple(self.steps.values())
        return QualityReport(
            scenario=scenario.name, product=product, seed=seed, maturity=maturity, lots=lots,
            cells_made=self.made, cells_sold=self.sold,
            final_yield=self.sold / self.made if self.made else math.nan,
            first_pass_yield=math.prod(step.first_pass_yield for step in steps),
            rolled_throughput_yield=math.prod(step.step_yield for step in steps),
            steps=steps, losses=tuple(sorted(losses, key=lambda loss: -loss.cells)), escapes=escapes,
            likeness=self.likeness(), recalls=self.recalls(), grades=self.grades(),
        )  # fmt: skip
