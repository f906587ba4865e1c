"""Wet: filled cells stand until the electrolyte has reached the middle of the roll or stack.

What it models
    How far the electrolyte's front gets in the soaking time, cell by cell, and so the share of the electrode that is
    still dry when formation starts; a share that stays dry because there is too little electrolyte; water that gets in
    through a leak meanwhile. Nothing is measured here: capacity will tell.
Equations
    t_wet = x^2 / (2 D f_access f_T), x half the coated width or, in a stack, half the shorter side; D lognormal from
    cell to cell, proportional to the porosity of the tighter electrode over its design. Dry share u = max(0, 1 -
    sqrt(t / t_wet), 1 - filling of the pores). Water += ingress x t x 10^leak in both electrodes, up to 2000 ppm.
Range
    Rolls and stacks that wet from opposite edges; soaking at 15-60 degC (the speed-up is a parameter). Published
    sets, soak_h, temperature_factor, access_fraction: 46xx at 45 degC 16, 2, 0.5, the defaults; long pouch cells at 25
    degC 24, 1, 1; 314 Ah prismatic at 35 degC 36, 1.4, 0.8 wound, 1 stacked.
Rows
    In and out: cells in trays. Adds unwetted_fraction (1); adds to cathode_moisture_ppm and anode_moisture_ppm of
    leaking cells; drops pore_filling. Dictates the recipe's time.
Left out
    Gas trapped in the middle, vacuum and pressure cycles, wetting by swelling during the first charge, wetting from
    all four sides of a stack, binder effects, water entering after soaking.
Sources
    Lucas (1918) and Washburn, Phys. Rev. 17 (1921) 273, for the square root of time; wetting constants are
    assumptions fitted to soaking times in use.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, within
from cellfab.core.cell_columns import LEAK
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse
from cellfab.kernels.wetting_theory import wetting_time_s
from cellfab.steps.base import Step, Work, once_per_maturity

if TYPE_CHECKING:
    from cellfab.kernels.wetting import SoakLaw

wetting = AtFirstUse("wetting")

UNWETTED = column("unwetted_fraction", "float32", "1", "true share of the electrode still dry at the end of soaking")

_MOISTURE = ("cathode_moisture_ppm", "anode_moisture_ppm")
_MOST_WATER_PPM = 2000.0
"""However large the leak: assumption, the range of formation's loss by moisture."""


class Wet(Step):
    """Soak; see the module's text for the model."""

    name = "wet"
    reads = ("cathode_porosity", "anode_porosity", "pore_filling", LEAK, *_MOISTURE)
    writes = (UNWETTED, *_MOISTURE)

    class Params(Step.Params):
        """Soaking recipe and wetting law."""

        soak_h: Annotated[float, Field(gt=0.0, le=1000.0)] = 16.0
        """Recipe: assumption, 6-24 for 46xx cells, 12-48 for long and large ones."""
        temperature_factor: Annotated[float, Field(gt=0.0, le=20.0)] = 2.0
        """Speed-up over 25 degC: about 2 at 45 degC, where the electrolyte's viscosity has halved; 1.5-3."""
        wetting_m2_per_s: Annotated[Capability, within(1e-12, 1e-4)] = Ramped(start=2.0e-8, mature=2.5e-8)
        """Median wetting constant at 25 degC, 1e-8 to 6e-8: assumption, from soaking times in use."""
        wetting_gsd: Annotated[Capability, within(1.0, 5.0)] = math.exp(0.25)
        """Cell to cell, geometric standard deviation: assumption."""
        access_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
        """What the ends let in: 0.5 kneaded tabless faces, 0.8 wound prismatic, 1 pouch: assumption."""
        leak_water_ppm_per_h: Annotated[float, Field(ge=0.0, le=1.0)] = 1.2e-4
        """Let in by a leak at the limit (1e-6 mbar l/s of helium), per electrode coating: molecular flow of water
        vapour of 10 mbar from room air, 1.2e-8 g/h, over 100 g of coatings; derived."""

    def review(self) -> Iterator[Remark]:
        """The recipe should be longer than the wetting of a median cell."""
        soak_h, median_h = self.params.soak_h, self.median_time_s(1.0) / 3600.0
        if soak_h < median_h:
            yield Remark(
                "soak_h",
                f"{soak_h:g} h of soaking is less than the {median_h:.1f} h that a median cell takes to wet through"
                " (half width squared over twice the wetting constant): more than half the cells stay partly dry",
                hint=f"{1.5 * median_h:.0f} h, or warmer",
            )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Let every cell soak."""
        columns = lot.columns
        columns[UNWETTED] = np.empty(lot.n, np.float32)
        wetting.soak(
            self._law(maturity), draws.key("wetting"), lot.identity, columns["cathode_porosity"],
            columns["anode_porosity"], columns.pop("pore_filling"), columns[UNWETTED],
        )  # fmt: skip
        self._let_water_in(lot)
        return lot

    @once_per_maturity
    def _law(self, maturity: float) -> SoakLaw:
        design = self.design
        law: SoakLaw = wetting.SoakLaw(
            median_share=3600.0 * self.params.soak_h / self.median_time_s(maturity),
            log_gsd=math.log(self.at("wetting_gsd", maturity)),
            cathode_porosity=float(design.cathode.porosity),
            anode_porosity=float(design.anode.porosity),
        )
        return law

    def _let_water_in(self, lot: Lot) -> None:
        leak = lot.columns[LEAK]
        rows = np.flatnonzero(~(leak <= 0.0))  # or not a number
        ppm = self.params.leak_water_ppm_per_h * self.params.soak_h * 10.0 ** np.minimum(leak[rows], 30.0)
        for name in _MOISTURE:
            lot.columns[name][rows] += np.minimum(ppm, _MOST_WATER_PPM)

    def median_time_s(self, maturity: float) -> float:
        """Until a median cell as designed is wet through."""
        design, params = self.design, self.params
        anode = design.anode
        widest_mm = max(design.cathode.width_mm, anode.width_mm)
        return wetting_time_s(
            0.5e-3 * min(widest_mm, 1e3 * anode.length_m), self.at("wetting_m2_per_s", maturity),
            params.access_fraction, params.temperature_factor,
        )  # fmt: skip

    def work(self, lot: Lot, maturity: float) -> Work:
        """The recipe's time."""
        return Work(seconds=3600.0 * self.params.soak_h)
