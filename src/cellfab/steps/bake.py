"""Bake: closed dry cells give off moisture through their open side or filling hole in a vacuum oven, before filling.

What it models
    What the oven leaves of the moisture of both electrodes, cell by cell; a sample that is measured with error; a lot
    that reads too wet goes back for the full recipe, up to `bakes_at_most` times, and is scrapped if it still does.
Equations
    C = C_eq + (C_0 - C_eq) exp(-t / tau) where the cell is wetter than C_eq (a vacuum oven wets nothing), tau = tau_ref
    (b / 0.1 m)^2 2^(-(T - 85 degC) / 20 K), b the width of the anode, in a stack its shorter side (Fick diffusion along
    the layers, leading term); C_eq lognormal per lot and bake. Sample reads mean moisture x (1 + cv z).
Range
    Electrodes 0.05-0.6 m wide; 60-110 degC (separators shrink above); 0.1-10 mbar.
Rows
    In and out: cells without electrolyte. Changes cathode_moisture_ppm and anode_moisture_ppm. Attribute `bakes`;
    `work` gives the recipe's seconds and heat times that.
Left out
    Heating-up, differences between places in the oven, shrinking of the separator, moisture taken up on the way to the
    filler.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core import notes
from cellfab.core.causes import cause
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.steps.base import Step, Work

_MOISTURE = ("cathode_moisture_ppm", "anode_moisture_ppm")
_SHRINKS_C = 110.0
"""Polyethylene separators begin to shrink (separator data sheets, 105-120)."""
WET = cause("bake", "moisture", "sample above the moisture limit after the last bake")


class Bake(Step):
    """Dry closed cells; see the module's text for the model."""

    name = "bake"
    reads = _MOISTURE
    writes = _MOISTURE

    class Params(Step.Params):
        """Recipe, oven and moisture test."""

        bake_h: Annotated[float, Field(gt=0.0, le=200.0)] = 12.0
        """Recipe, 6-24: typical of cell drying."""
        temperature_c: Annotated[float, Field(ge=20.0, le=200.0)] = 85.0
        """Recipe, 80-105: libmachine.com on vacuum drying of cells gives 85."""
        time_constant_h: Annotated[float, Field(gt=0.0, le=1000.0)] = 1.0
        """Of a cell 0.1 m wide at 85 degC: assumption."""
        halving_k: Annotated[float, Field(gt=0.0, le=200.0)] = 20.0
        """Warming that halves the time constant: assumption."""
        equilibrium_ppm: Annotated[Capability, within(0.0, 1e4)] = Ramped(start=170.0, mature=150.0)
        """What vacuum, leak rate and temperature leave, median: assumption."""
        equilibrium_cv: Annotated[Capability, within(0.0, 3.0)] = Ramped(start=0.25, mature=0.15)
        """From bake to bake: assumption."""
        gauge_cv: Annotated[Capability, within(0.0, 1.0)] = 0.04
        """Error of the moisture test of a sample (Karl Fischer), 1 sigma: assumption."""
        limit_ppm: Annotated[float, Field(gt=0.0, le=1e4), Threshold(text="moisture limit")] = 300.0
        """Lots that read above are not filled: NMC 250, LFP 400 (canrud on baking), sodium 300: assumption."""
        bakes_at_most: Annotated[int, Field(ge=1, le=10)] = 2
        """The recipe is run again for a lot that is too wet: assumption."""
        heat_kwh_per_kg: Annotated[float, Field(ge=0.0, le=10.0)] = 0.1
        """Per kg of cell and bake; 0.02 would heat it once: assumption."""

    @property
    def path_mm(self) -> float:
        """Between the edges through which moisture leaves: width of a roll, shorter side of a sheet."""
        anode = self.design.anode
        return min(anode.width_mm, 1e3 * anode.length_m)

    @property
    def time_constant_h(self) -> float:
        """Of this design's cells at the recipe's temperature."""
        params = self.params
        wider = self.path_mm / 100.0
        return float(params.time_constant_h * wider**2 * 2.0 ** (-(params.temperature_c - 85.0) / params.halving_k))

    def review(self) -> Iterator[Remark]:
        """Temperature against the separator, time against diffusion, oven against the limit."""
        params, tau = self.params, self.time_constant_h
        if params.temperature_c > _SHRINKS_C:
            yield Remark(
                "temperature_c", f"{params.temperature_c:g} degC is above {_SHRINKS_C:g}, where polyethylene separators"
                " shrink",
            )  # fmt: skip
        if self.at("equilibrium_ppm", 1.0) > params.limit_ppm:
            yield Remark(
                "equilibrium_ppm", f"the oven leaves {self.at('equilibrium_ppm', 1.0):g} ppm, above limit_ppm"
                f" {params.limit_ppm:g}: no time is enough", impossible=True,
            )  # fmt: skip
        elif params.bake_h < tau:
            yield Remark(
                "bake_h", f"{params.bake_h:g} h are less than one time constant ({tau:.1f} h for electrodes"
                f" {self.path_mm:g} mm wide): over a third of the moisture stays", hint="bake longer",
            )  # fmt: skip

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Bake, measure, bake again."""
        params, columns = self.params, lot.columns
        kept = np.float32(math.exp(-params.bake_h / self.time_constant_h))
        most = params.bakes_at_most
        log_sd = math.sqrt(math.log1p(self.at("equilibrium_cv", maturity) ** 2))
        level = self.at("equilibrium_ppm", maturity) * np.exp(log_sd * draws.normal("level", lot, most))
        reading = 1.0 + self.at("gauge_cv", maturity) * draws.normal("gauge", lot, most)
        lot.attributes["baked_kg"] = lot.n_alive * self.design.mass_kg
        for bakes in range(most):
            for name in _MOISTURE:
                wet = columns[name]
                columns[name] = wet - (np.float32(1.0) - kept) * np.maximum(wet - level[bakes], np.float32(0.0))
            mean_ppm = sum(float(columns[name].sum(dtype=np.float64)) for name in _MOISTURE) / max(2 * lot.n, 1)
            too_wet = mean_ppm * float(reading[bakes]) > params.limit_ppm
            if not too_wet:
                break
        lot.attributes["bakes"] = bakes + 1.0
        if too_wet:
            if mean_ppm <= params.limit_ppm:
                lot.attributes[notes.FALSE_REJECTS + "moisture"] = float(lot.n_alive)
            lot.scrap(np.ones(lot.n, np.bool_), WET)
        elif bakes:
            lot.attributes[notes.REWORKED] = float(lot.n_alive)
        return lot

    def work(self, lot: Lot, maturity: float) -> Work:
        """The recipe's time and heat, for each bake."""
        bakes = lot.attributes["bakes"]
        return Work(
            seconds=3600.0 * self.params.bake_h * bakes,
            heat_kwh=self.params.heat_kwh_per_kg * lot.attributes["baked_kg"] * bakes,
        )
