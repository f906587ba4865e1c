"""Wet: filled cells stand until the electrolyte has reached the middle of the roll.

What it models
    How far the electrolyte's front gets in the soaking time, cell by cell, and so the share of the electrode that is
    still dry when formation starts. Nothing is measured here: capacity will tell.
Equations
    t_wet = x^2 / (2 D f_access f_T), x half the coated width (Washburn 1921); D lognormal from cell to cell,
    proportional to the porosity of the tighter electrode over its design. Dry share u = max(0, 1 - sqrt(t / t_wet)).
Range
    Rolls that wet from both ends; soaking at 15-60 degC (the speed-up is a parameter).
Rows
    In and out: cells in trays. Adds unwetted_fraction. Dictates the recipe's time.
Left out
    Gas trapped in the middle, vacuum and pressure cycles, wetting by swelling during the first charge, binder
    effects.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels.wetting_theory import wetting_time_s
from cellfab.steps.base import Step, Work

UNWETTED = column("unwetted_fraction", "float32", "1", "true share of the electrode still dry at the end of soaking")


class Wet(Step):
    """Soak; see the module's text for the model."""

    name = "wet"
    reads = ("cathode_porosity", "anode_porosity", "pore_filling")
    writes = (UNWETTED,)

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

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Let every cell soak."""
        from cellfab.kernels.wetting import SoakLaw, soak

        design, columns = self.design, lot.columns
        law = SoakLaw(
            median_share=3600.0 * self.params.soak_h / self.median_time_s(maturity),
            log_gsd=math.log(self.at("wetting_gsd", maturity)),
            cathode_porosity=float(design.cathode.porosity),
            anode_porosity=float(design.anode.porosity),
        )
        columns[UNWETTED] = np.empty(lot.n, np.float32)
        soak(
            law, draws.key("wetting"), lot.identity, columns.pop("cathode_porosity"), columns["anode_porosity"],
            columns.pop("pore_filling"), columns[UNWETTED],
        )  # fmt: skip
        return lot

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
