"""Second fill: after pre-charge a prismatic cell gets the rest of its electrolyte, and its filling hole is closed.

What it models
    Electrolyte that gas and vacuum carried out of the open hole during pre-charge; a second dose, either what the
    weighed cell lacks or the same for all; now and then a nozzle that gives too little; the scales' errors before and
    after; a seal pin that leaks, and the leak test. Cells with less electrolyte than their pores hold stay partly dry.
Equations
    Left = m_1 (1 - loss (1 + cv z)). Dose = (target - left + scale z) (1 + cv z) by weight, or a fixed share of the
    target; times a uniform number from 0 to 1 behind a blocked nozzle. Rejected if |m + scale z - target| > tolerance:
    by weight the mass of good cells has the variance scale^2 + (cv dose)^2 whatever the first filling was. Dry share u
    = max(u, 1 - m / (density x pore volume)). A leaking pin has x = log10(leak rate / limit) exponential; detection f +
    (1 - f) c / (1 + exp(-(x - x_0) / w)).
Range
    Second doses of 0-20 % of the electrolyte. Pre-charge itself is a station of kind `channels` without a step, for
    its time; its charge and gas are part of `formation`.
Rows
    In and out: cells in trays. Changes electrolyte_g, unwetted_fraction and leak. `false_rejects_*`: sound cells
    rejected.
Left out
    Composition of what is lost (light solvents go first), wetting by the second dose, crystals in the filling hole,
    moisture that enters through the open hole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core import notes
from cellfab.core.causes import cause
from cellfab.core.cell_columns import ELECTROLYTE, LEAK
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse
from cellfab.steps.base import Work, once_per_maturity
from cellfab.steps.leak_test import LeakTest

if TYPE_CHECKING:
    from cellfab.kernels.second_fill import TopUpLaw

second_fill = AtFirstUse("second_fill")

_UNWETTED = "unwetted_fraction"
MASS = cause("second_fill", "electrolyte_mass", "weighed electrolyte out of tolerance after the second filling")
LEAK_READ = cause("second_fill", "pin_leak", "leak test reads a leak after the seal pin")


class SecondFill(LeakTest):
    """Fill up, close and test; see the module's text for the model."""

    name = "second_fill"
    reads = (ELECTROLYTE, _UNWETTED, LEAK)
    writes = (ELECTROLYTE, _UNWETTED, LEAK)

    class Params(LeakTest.Params):
        """Losses, dosing, weighing, seal pin and leak test."""

        dosing: Literal["by_weight", "fixed"] = "by_weight"
        """Whether each cell gets what its weight lacks, or all the same."""
        first_share_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.92
        """Of the design's electrolyte, given by `fill` (its share_of_total_fraction): 0.85-1 of it."""
        loss_fraction: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.015, mature=0.01)
        """Of the first filling, carried out by gas and vacuum during pre-charge: assumption."""
        loss_cv: Annotated[Capability, within(0.0, 3.0)] = Ramped(start=0.4, mature=0.25)
        """From cell to cell: assumption."""
        dosing_cv: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.02, mature=0.01)
        """Of the small second dose: assumption; 0.2-0.5 % of a full one is typical of filling machines."""
        blocked_nozzle_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=3e-3, mature=2e-4)
        """That a cell gets part of its second dose: assumption."""
        scale_error_fraction: Annotated[Capability, within(0.0, 0.5)] = 0.0015
        """Of the design's electrolyte, 1 sigma of a weighing: assumption."""
        tolerance_fraction: Annotated[float, Field(gt=0.0, le=1.0), Threshold(text="tolerance of the dose")] = 0.015
        """Rejected beyond: assumption."""
        pin_leak_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=5e-3, mature=5e-4)
        """Of a welded seal pin: assumption; leak tests fail 0.1 % of cells on a mature line, 1 % on a new one."""
        electrolyte_g_per_cm3: Annotated[float, Field(gt=0.5, le=3.0)] = 1.2
        """Of the electrolyte: 1.2-1.3 for 1 mol/l LiPF6 in carbonates (data sheets)."""
        electrolyte_material: str = "electrolyte"
        """Name of the electrolyte in `materials` (kg)."""
        pin_material: str = "seal_pin"
        """Name of the seal pin in `materials` (pieces)."""

    def review(self) -> Iterator[Remark]:
        """What is filled first, lost and dosed, against what is wanted; `fill` looks at the pores' volume."""
        params = self.params
        loss = self.at("loss_fraction", 1.0)
        left = params.first_share_fraction * (1.0 - loss)
        dose = 1.0 - params.first_share_fraction if params.dosing == "fixed" else max(1.0 - left, 0.0)
        if abs(left + dose - 1.0) > params.tolerance_fraction:
            yield Remark(
                "first_share_fraction", f"{params.first_share_fraction:g} filled first, {loss:.1%} of it lost, and a"
                f" second dose of {dose:.3f} make {left + dose:.3f} of the electrolyte wanted, beyond the tolerance of"
                f" {params.tolerance_fraction:g}: a mature line rejects most cells", hint="dose by weight",
            )  # fmt: skip

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Fill up, close and test every cell."""
        columns = lot.columns
        lot.attributes["pinned_cells"] = float(lot.n_alive)
        verdict = np.empty(lot.n, np.uint8)
        streams = ("loss", "scale_before", "dose", "scale_after", "nozzle_and_pin")
        law = self.law(maturity)
        dosed_g = second_fill.top_up(
            law, np.array([draws.key(stream) for stream in streams], np.uint64), lot.identity, lot.alive(),
            columns[ELECTROLYTE], columns[_UNWETTED], columns[LEAK], verdict,
        )  # fmt: skip
        lot.attributes["second_electrolyte_kg"] = 1e-3 * dosed_g
        rejected = np.flatnonzero(verdict)
        sound = rejected[np.abs(columns[ELECTROLYTE][rejected] - law.target_g) <= law.tolerance_g]
        lot.attributes[notes.FALSE_REJECTS + "electrolyte_mass"] = float(np.count_nonzero(lot.alive()[sound]))
        lot.scrap_each(verdict, (MASS,))
        self.test_leaks(lot, draws, maturity, LEAK_READ)
        return lot

    def work(self, lot: Lot, maturity: float) -> Work:
        """Electrolyte and seal pins of every cell that came."""
        facts, params = lot.attributes, self.params
        return Work(
            materials={
                params.electrolyte_material: facts["second_electrolyte_kg"],
                params.pin_material: facts["pinned_cells"],
            }
        )

    def pins(self, lot: Lot, draws: Draws, maturity: float) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Of every cell of a lot, as `apply` draws it, shape (n,): its pin leaks; its nozzle lets the pin leak or not.

        Behind a blocked nozzle no pin leaks.
        """
        law, u = self.law(maturity), draws.uniform("nozzle_and_pin", lot)
        clear = u >= np.float32(law.blocked)
        return clear & (u < np.float32(law.blocked + law.pin)), clear

    @once_per_maturity
    def law(self, maturity: float) -> TopUpLaw:
        """Constants at `maturity`, as the kernel wants them."""
        params, target_g = self.params, 1e3 * self.design.electrolyte_kg
        law: TopUpLaw = second_fill.TopUpLaw(
            target_g=target_g,
            fixed_g=(1.0 - params.first_share_fraction) * target_g if params.dosing == "fixed" else -1.0,
            loss=float(self.at("loss_fraction", maturity)),
            loss_cv=float(self.at("loss_cv", maturity)),
            dosing_cv=float(self.at("dosing_cv", maturity)),
            scale_g=float(self.at("scale_error_fraction", maturity) * target_g),
            tolerance_g=float(params.tolerance_fraction * target_g),
            blocked=float(self.at("blocked_nozzle_probability", maturity)),
            pin=float(self.at("pin_leak_probability", maturity)),
            decades=float(params.leak_decades_mean_number),
            pores_g=float(params.electrolyte_g_per_cm3 * self.design.pore_volume_ml),
        )
        return law
