"""Grade: capacity and resistance are measured, cells are rejected or sorted, and the energy that is sold is counted.

What it models
    A capacity test with noise and tray temperature, a resistance test with noise, limits against the rated values,
    the last look and smell (scratches, dents, leaks). Two grades; a cell with a joint welded twice can be kept out of
    the first. Or, in their place, buyers: each cell goes to the one who pays most of those whose whole specification
    its readings meet (capacity, resistance by what the use asks of it, self-discharge), else it is rejected. True
    defects that got through are counted by mechanism: the same severity that earlier stages looked at, so escapes are
    correlated. What the spread of grade A costs a string of cells, unmatched; and the bins by which cells of grade A
    are matched into strings across lots (`cellfab.core.racks`).
Equations
    Capacity read = Q (1 + noise z + 0.3 %/K x tray temperature error); resistance read = DCIR (1 + noise z). Rejected
    below the least capacity or above the most resistance, relative to the rated values; grade A within the narrower
    limits, else B. Energy = true capacity x nominal voltage. Usable share of n cells in series = 1 - c_n sd / mean
    of the true capacity of grade A, c_n the expected lowest of n normal numbers (`cellfab.kernels.grading_theory`).
    Matched: n cells whose readings fall into one bin of capacity and of resistance, in the order in which they are
    finished; usable share = n x least true capacity over their sum. A buyer takes a reading of Q from its nameplate
    less a tolerance, and of R up to the least of: a plain limit; (rest - least voltage) / I; C dT / (I^2 t), all heat
    of a time t kept in the cell; (U (1 - eta) / (1 + eta) - o) / I for an efficiency eta with overvoltage o; I is the
    use's C-rate times the nameplate (`cellfab.config.buyer_spec`).
    Electricity of the cells really there: a charge and a discharge of the true capacity, charged / 0.90 - 0.60
    discharged; a cell leaves with the charge with which it came.
Range
    Any chemistry and size: cells with `rated_capacity_ah` and `rated_dcir_mohm` in the lot's attributes and their
    hidden defects in a column (formation writes them). Limits are the buyer's: for electric vehicles the defaults;
    for storage most_dcir_fraction 1.15-1.20 and grade_a_dcir_fraction 1.10, with 416 cells_in_series. Specifications
    of storage cells: configs/buyers.
Rows
    In and out: cells in trays. Adds capacity_measured_ah, dcir_measured_mohm, energy_wh, grade (0 rejected, 1 A, 2
    B). Reads rewelded where it is there. Facts in `attributes`: good_energy_kwh, grade_a_cells, grade_b_cells,
    rack_usable_fraction (unmatched), those of `cellfab.core.racks`, escapes_MECHANISM, cells sold with that defect
    (`escapes` counts each cell once), for each buyer buyer_cells_NAME, buyer_kwh_NAME and buyer_short_NAME (in truth
    less than it demands), and tested_kwh, stored by the cells that came, and false_rejects_low_capacity and
    false_rejects_high_dcir, rejected by a reading though the true value is within the limit. What the last look finds
    is there: it has no false rejects. Dictates the time of a capacity cycle.
Left out
    Matching by self-discharge, energy efficiency but as a limit on resistance, capacity drift during ageing, drift of
    the testers between calibrations. How much a buyer wants: who pays most takes every cell that will do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.buyer_spec import Buyer, in_order_of_price
from cellfab.config.cell_spec import CellDesign
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core import notes, racks
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.defects import MECHANISMS, bit
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.core.web import exit_codes, note_false_rejects, scrapped
from cellfab.kernels import AtFirstUse
from cellfab.kernels.formation_theory import grid_energy_kwh
from cellfab.kernels.grading_theory import usable_fraction
from cellfab.steps.base import Step, Work

if TYPE_CHECKING:
    from cellfab.kernels.grading import GradeLaw

grading = AtFirstUse("grading")

CAPACITY_READ = column("capacity_measured_ah", "float32", "Ah", "measured capacity")
DCIR_READ = column("dcir_measured_mohm", "float32", "mohm", "measured direct-current resistance")
ENERGY = column("energy_wh", "float32", "Wh", "true capacity times nominal voltage")
GRADE = column("grade", "uint8", "1", "0 rejected, 1 grade A, 2 grade B; or the place of its buyer in order of price")
_LEAST_NOISE_RATIO = 3.0
"""Standard deviations of a reading that a limit should keep from a cell as designed (assumption)."""
LOW_CAPACITY = cause("grade", "low_capacity", "capacity read below the least that is sold")
HIGH_DCIR = cause("grade", "high_dcir", "resistance read above the limit")
APPEARANCE = cause("grade", "appearance", "dent, scratch or leak found at the last look")
NO_BUYER = cause("grade", "no_buyer", "meets part of several specifications and none of them whole")
SELF_DISCHARGE = "k_measured_mv_per_d"
"""What a buyer's limit on self-discharge is about; written by `ageing`."""
_CODES = np.array([LOW_CAPACITY, HIGH_DCIR, APPEARANCE, NO_BUYER], np.int16)
_ESCAPES = (*(f"escapes_{mechanism}" for mechanism in MECHANISMS), "escapes")


class _Judgement(NamedTuple):
    """What lots are judged by at one maturity."""

    asked: tuple[float, float, float]
    """Rated capacity and resistance, and maturity."""
    law: GradeLaw
    limits: npt.NDArray[np.float32]
    matching: dict[str, float]


class Grade(Step):
    """Measure, reject and sort; see the module's text for the model."""

    name = "grade"
    reads = ("capacity_ah", "dcir_mohm", "defects", "tray_position")
    writes = (CAPACITY_READ, DCIR_READ, ENERGY, GRADE)

    class Params(Step.Params):
        """Tests and limits."""

        cycle_h: Annotated[float, Field(gt=0.0, le=100.0)] = 5.5
        """Capacity cycle at 0.33-0.5 C, 3-8 h: typical recipes."""
        capacity_noise_fraction: Annotated[Capability, within(0.0, 0.2)] = 0.0010
        """Of the tester, 1 sigma: 0.05-0.2 % typical of formation equipment."""
        tray_temperature_k: Annotated[Capability, within(0.0, 30.0)] = Ramped(start=1.5, mature=0.7)
        """Error of a tray's temperature, 1 sigma: assumption."""
        capacity_fraction_per_k: Annotated[float, Field(ge=0.0, le=0.1)] = 0.003
        """Of capacity with temperature, 0.2-0.5 %: typical of graphite cells."""
        dcir_noise_fraction: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.01, mature=0.007)
        """Contact and temperature, 1 sigma: assumption, 0.5-1 %."""
        least_capacity_fraction: Annotated[
            float, Field(ge=0.0, le=2.0), Threshold(-1, sound=1.0, text="least capacity sold")
        ] = 0.96
        """Of the rated capacity, rejected below: assumption, for 0.6 % rejects on a mature line."""
        most_dcir_fraction: Annotated[
            float, Field(gt=0.0, le=100.0), Threshold(sound=1.0, text="largest resistance sold")
        ] = 1.10
        """Of the rated resistance, rejected above: 1.10 for electric vehicles, 1.15-1.20 for storage: typical."""
        grade_a_capacity_fraction: Annotated[float, Field(ge=0.0, le=2.0)] = 0.98
        """Of the rated capacity, grade A from: assumption."""
        grade_a_dcir_fraction: Annotated[float, Field(gt=0.0, le=100.0)] = 1.07
        """Of the rated resistance, grade A up to: assumption."""
        appearance_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.015, mature=0.003)
        """Of a cell, rejected for its looks: assumption, 0.1-2 %."""
        leak_detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.3
        """That a leaking cell is found by weight or smell: assumption."""
        downgrade_rework: bool = False
        """Whether a cell with a joint welded twice is grade B at best: a choice of the cell's buyer."""
        charge_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 0.90
        """Of a channel on charge: assumption, as in `formation`."""
        recovered_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.60
        """Of the discharged energy fed to other channels: assumption, as in `formation`."""
        cells_in_series: Annotated[int, Field(ge=1, le=10_000)] = 104
        """In the strings that cells are matched into: 104 in a pack of 400 V, 416 in a rack of 1500 V: typical."""
        match_capacity_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01
        """Width of a bin of capacity readings whose cells make a string, of the rated capacity; 0: one bin. 1-2 % for
        electric vehicles, 0.5-1 % for storage: typical."""
        match_dcir_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.05
        """Likewise of resistance readings, of the rated resistance: 5-10 %: typical."""
        buyers: dict[str, Buyer] = {}
        """Specifications to sell by, in place of both grades, the limits above and the strings."""

    def __init__(self, params: Any, design: CellDesign) -> None:
        super().__init__(params, design)
        self.buyers = in_order_of_price(params.buyers)
        """Who pays most first."""
        self._judged: _Judgement | None = None

    def review(self) -> Iterator[Remark]:
        """Whether the limits leave room for a cell as designed, for both grades, and for the noise of the tests."""
        params = self.params
        if self.buyers:
            yield from self._review_buyers()
            return
        if params.least_capacity_fraction >= 1.0 or params.most_dcir_fraction <= 1.0:
            about = "least_capacity_fraction" if params.least_capacity_fraction >= 1.0 else "most_dcir_fraction"
            yield Remark(
                about,
                f"{about} = {getattr(params, about):g} rejects every other cell that is exactly as designed",
                hint="limits are fractions of the rated values: below 1 for capacity, above 1 for resistance",
            )
            return
        pairs = (
            ("grade_a_capacity_fraction", params.grade_a_capacity_fraction - params.least_capacity_fraction),
            ("grade_a_dcir_fraction", params.most_dcir_fraction - params.grade_a_dcir_fraction),
        )
        for about, room in pairs:
            if room < 0.0:
                yield Remark(about, f"{about} = {getattr(params, about):g} reaches beyond the limit of rejection")
        noise, margin = self._capacity_noise(), 1.0 - params.least_capacity_fraction
        if margin < _LEAST_NOISE_RATIO * noise:
            yield Remark(
                "least_capacity_fraction",
                f"the limit lies {margin:.2%} below the rated capacity, less than {_LEAST_NOISE_RATIO:g} times the"
                f" test's own scatter of {noise:.2%}: sound cells are thrown away",
                hint="a lower limit, or trays of steadier temperature",
            )

    def _capacity_noise(self) -> float:
        """Of a mature capacity test, 1 sigma, of the capacity."""
        tray = self.at("tray_temperature_k", 1.0) * self.params.capacity_fraction_per_k
        return math.hypot(self.at("capacity_noise_fraction", 1.0), tray)

    def _review_buyers(self) -> Iterator[Remark]:
        """Whether a cell as designed can meet each specification, and who is never reached."""
        design, noise = self.design, self._capacity_noise()
        for name, buyer in self.buyers:
            about = f"buyers.{name}"
            least = buyer.least_ah(design)
            if least > design.capacity_ah * (1.0 - _LEAST_NOISE_RATIO * noise):
                about_least = f"{about}.tolerance_fraction" if buyer.nameplate_ah is None else f"{about}.nameplate_ah"
                yield Remark(
                    about_least,
                    f"{name} takes cells from {least:.4g} Ah on, within {_LEAST_NOISE_RATIO:g} times the test's own"
                    f" scatter ({noise:.2%}) of the {design.capacity_ah:.4g} Ah of the design: sound cells are refused",
                    hint="a larger tolerance_fraction, a lower nameplate_ah, or a design with something in reserve",
                )
            limits = {} if buyer.use is None else buyer.use.limits_mohm(design, buyer.nameplate(design))
            for demand, limit in limits.items():
                if limit <= 0.0:
                    yield Remark(
                        f"{about}.use.{demand}",
                        f"{name} would take no cell, not even one without resistance",
                        impossible=True,
                        hint="a demand that leaves something for the resistance, or a lower c_rate_per_h",
                    )
        for index, (name, buyer) in enumerate(self.buyers):
            for better, first in self.buyers[:index]:
                if _takes_all_of(first, buyer, design):
                    yield Remark(
                        f"buyers.{name}", f"{name} gets nothing: {better} takes all that it would take and pays as much"
                    )
                    break

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Measure, reject and sort every cell."""
        columns, n, facts = lot.columns, lot.n, lot.attributes
        judgement = self._judgement(facts["rated_capacity_ah"], facts["rated_dcir_mohm"], maturity)
        read_ah, read_mohm, energy = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
        grade, escapes = np.empty(n, np.uint8), np.empty(len(_ESCAPES), np.int64)
        found = grading.grade_lot(
            judgement.law, judgement.limits, draws.key("cells"), draws.key("temperature"), lot.identity,
            columns["tray_position"], int(facts["cells_per_tray"]), columns["defects"], self._downgraded(lot),
            self._self_discharge(lot), columns["capacity_ah"], columns["dcir_mohm"], read_ah, read_mohm, energy, grade,
            _CODES, exit_codes(lot), escapes,
        )  # fmt: skip
        columns.update(zip(self.writes, (read_ah, read_mohm, energy, grade), strict=True))
        scrapped(
            lot, (LOW_CAPACITY, found.low_capacity), (HIGH_DCIR, found.high_dcir), (APPEARANCE, found.appearance),
            (NO_BUYER, found.no_grade),
        )  # fmt: skip
        graded = found.graded
        facts["tested_kwh"] = found.tested_ah * self.design.nominal_voltage_v * 1e-3
        facts["grade_a_cells"] = float(graded.grade_a)
        facts["grade_b_cells"] = float(lot.n_alive - graded.grade_a)
        facts["good_energy_kwh"] = graded.energy_wh * 1e-3
        in_series = self.buyers[0][1].cells_in_series if self.buyers else self.params.cells_in_series
        facts["rack_usable_fraction"] = usable_fraction(graded.grade_a_sd_ah / graded.grade_a_mean_ah, in_series)
        facts |= judgement.matching
        if self.buyers:
            facts |= self._sold(lot)
        note_false_rejects(lot, LOW_CAPACITY, graded.good_capacity)
        note_false_rejects(lot, HIGH_DCIR, graded.good_dcir)
        facts.update(zip(_ESCAPES, map(float, escapes.tolist()), strict=True))
        return lot

    def _judgement(self, rated_ah: float, rated_mohm: float, maturity: float) -> _Judgement:
        """What the lots of a design are judged by; kept as long as the same is asked for."""
        asked = rated_ah, rated_mohm, maturity
        if self._judged is None or self._judged.asked != asked:
            limits = self._limits(rated_ah, rated_mohm)
            self._judged = _Judgement(
                asked, self._law(limits, maturity), limits.astype(np.float32), self._matching(rated_ah, rated_mohm)
            )
        return self._judged

    def _matching(self, rated_ah: float, rated_mohm: float) -> dict[str, float]:
        """Bins and strings of the buyers, for `cellfab.core.racks`."""
        params = self.params
        if not self.buyers:
            least_ah, width_ah = params.grade_a_capacity_fraction * rated_ah, params.match_capacity_fraction * rated_ah
            return racks.bins(least_ah, width_ah, rated_mohm, params.match_dcir_fraction, params.cells_in_series)
        found: dict[str, float] = {}
        for name, one in self.buyers:
            least_ah, width_ah = one.least_ah(self.design), one.match_capacity_fraction * one.nameplate(self.design)
            found |= racks.bins(least_ah, width_ah, rated_mohm, one.match_dcir_fraction, one.cells_in_series, name)
        return found

    def _sold(self, lot: Lot) -> dict[str, float]:
        """Cells and energy for each buyer, and how many of its cells break its limits in truth."""
        columns, grade = lot.columns, lot.columns["grade"]
        number = len(self.buyers) + 1
        cells = np.bincount(grade, minlength=number)
        energy_wh = np.bincount(grade, weights=columns["energy_wh"], minlength=number)
        found: dict[str, float] = {}
        for place, (name, buyer) in enumerate(self.buyers, start=1):
            below = columns["capacity_ah"] < buyer.least_ah(self.design)
            short = (grade == place) & (below | (columns["dcir_mohm"] > buyer.most_mohm(self.design)))
            found[f"{notes.BUYER_CELLS}{name}"] = float(cells[place])
            found[f"{notes.BUYER_KWH}{name}"] = float(energy_wh[place]) * 1e-3
            found[f"{notes.BUYER_SHORT}{name}"] = float(np.count_nonzero(short))
        return found

    @property
    def recipe_seconds(self) -> float:
        """Of the capacity cycle."""
        hours: float = self.params.cycle_h
        return 3600.0 * hours

    def work(self, lot: Lot, maturity: float) -> Work:
        """Time and electricity of the capacity cycle."""
        params, tested = self.params, lot.attributes["tested_kwh"]
        energy = grid_energy_kwh(tested, tested, params.charge_efficiency, params.recovered_fraction)
        return Work(seconds=self.recipe_seconds, energy_kwh=energy)

    def _downgraded(self, lot: Lot) -> npt.NDArray[np.uint8]:
        """1 for cells that are grade B whatever they measure: an inspection said so, or their joints were mended."""
        names = ("downgraded", "rewelded") if self.params.downgrade_rework else ("downgraded",)
        flags = [lot.columns[name] for name in names if name in lot.columns]
        if len(flags) == 1:
            return flags[0]
        return np.bitwise_or.reduce(flags) if flags else np.zeros(lot.n, np.uint8)

    def _self_discharge(self, lot: Lot) -> npt.NDArray[np.float32]:
        """As read when the cells were aged; zeros where no buyer asks for it."""
        if any(math.isfinite(buyer.most_mv_per_d) for _, buyer in self.buyers):
            return lot.columns[SELF_DISCHARGE]
        return np.zeros(lot.n, np.float32)

    def _limits(self, rated_ah: float, rated_mohm: float) -> npt.NDArray[np.float64]:
        """What each grade takes, a row each: of the buyers who pays most first, else A and B."""
        if self.buyers:
            rows = [
                (one.least_ah(self.design), one.most_mohm(self.design), one.most_mv_per_d, float(one.takes_downgraded))
                for _, one in self.buyers
            ]
            return np.array(rows)
        params = self.params
        grade_a = params.grade_a_capacity_fraction * rated_ah, params.grade_a_dcir_fraction * rated_mohm
        grade_b = params.least_capacity_fraction * rated_ah, params.most_dcir_fraction * rated_mohm
        return np.array([(*grade_a, math.inf, 0.0), (*grade_b, math.inf, 1.0)])

    def _law(self, limits: npt.NDArray[np.float64], maturity: float) -> GradeLaw:
        now = self.capabilities(maturity)
        # Of A and B the second decides what is rejected, even where the first is written wider.
        widest = limits if self.buyers else limits[1:]
        law: GradeLaw = grading.GradeLaw(
            capacity_noise=float(now["capacity_noise_fraction"]),
            tray_noise=float(now["tray_temperature_k"] * now["capacity_fraction_per_k"]),
            dcir_noise=float(now["dcir_noise_fraction"]),
            energy_per_ah=float(self.design.nominal_voltage_v),
            least_ah=float(widest[:, 0].min()),
            most_mohm=float(widest[:, 1].max()),
            grade_a_ah=float(limits[0, 0]),
            appearance=float(now["appearance_probability"]),
            leak_found=float(now["leak_detection_probability"]),
            leak_bit=bit("leak"),
        )
        return law


def _takes_all_of(first: Buyer, other: Buyer, design: CellDesign) -> bool:
    """Whether everything that `other` takes is taken by `first`, too."""
    return (
        first.least_ah(design) <= other.least_ah(design)
        and first.most_mohm(design) >= other.most_mohm(design)
        and first.most_mv_per_d >= other.most_mv_per_d
        and first.takes_downgraded >= other.takes_downgraded
    )
