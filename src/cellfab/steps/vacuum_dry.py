"""Vacuum drying: coils lose their moisture through the cut edges, are measured, and dried again if too wet.

What it models
    Per coil (the lane of a roll): moisture before, the level that the oven's vacuum and leak rate allow, and what is
    left after the recipe. A sample is measured with error; a roll with coils above target goes back for the full
    recipe, up to `dryings_at_most` times; coils that are still too wet are scrapped.
Equations
    C(t) = C_eq + (C_0 - C_eq) exp(-t / tau), tau = tau_ref (b / b_ref)^2 2^(-(T - T_ref) / 20 K), b the width of the
    coil (Fick diffusion from the edges, leading term); C_0 lognormal per roll, C_eq lognormal per roll and drying,
    and per coil. Re-wetting adds rate x hours in the dry room after the test.
Range
    Coils 0.03-0.4 m wide; 60-150 degC; 0.1-10 mbar.
Rows
    In and out: segments; m. Adds moisture_ppm, one value per coil. Attribute `dryings`; `work` gives the recipe's
    seconds times that.
Left out
    Radial differences within a coil, the moisture of the dry room itself, heating-up, damage by heat.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse
from cellfab.kernels.drying import drying_time_constant_h
from cellfab.steps.base import ElectrodeStep, Work

coil_drying = AtFirstUse("coil_drying")

MOISTURE = column("moisture_ppm", "float32", "ppm", "true water content of the electrode after vacuum drying")
WET = cause("vacuum_dry", "moisture", "coil measured above the moisture target after the last drying")


_DECISIONS = ("before", "level", "coil", "gauge")


class VacuumDry(ElectrodeStep):
    """Dry the coils of a roll; see the module's text for the model."""

    name = "vacuum_dry"
    reads = ("loading_mg_per_cm2",)
    writes = (MOISTURE,)

    class Params(ElectrodeStep.Params):
        """Recipe, oven and moisture test."""

        drying_h: Annotated[float, Field(gt=0.0, le=200.0)] = 18.0
        """Recipe: 12-30 h for coils (Heimes et al. 2018)."""
        temperature_c: Annotated[float, Field(ge=20.0, le=200.0)] = 110.0
        """Recipe: 60-150 (Heimes et al. 2018); 90-100 for electrodes with latex binder."""
        moisture_before_ppm: Annotated[float, Field(ge=0.0, le=1e5)] = 800.0
        """Mean before drying: assumption (anode 1500, LFP 2500)."""
        moisture_before_cv: Annotated[Capability, within(0.0, 3.0)] = 0.25
        """From roll to roll: assumption."""
        equilibrium_ppm: Annotated[Capability, within(0.0, 1e4)] = Ramped(start=155.0, mature=150.0)
        """What vacuum, leak rate and temperature leave, median: assumption."""
        equilibrium_cv: Annotated[Capability, within(0.0, 3.0)] = Ramped(start=0.28, mature=0.21)
        """From drying to drying: assumption, for 2 % of rolls with a coil above target on a new line and
        0.2 % on a mature one."""
        coil_cv: Annotated[Capability, within(0.0, 3.0)] = 0.04
        """From coil to coil of a roll: assumption."""
        time_constant_h: Annotated[float, Field(gt=0.0, le=1000.0)] = 4.0
        """Of a coil 0.1 m wide at 110 degC: assumption."""
        halving_k: Annotated[float, Field(gt=0.0, le=200.0)] = 20.0
        """Warming that halves the time constant: assumption."""
        gauge_cv: Annotated[Capability, within(0.0, 1.0)] = 0.04
        """Error of the moisture test (Karl Fischer), 1 sigma: assumption."""
        target_ppm: Annotated[float, Field(gt=0.0, le=1e4), Threshold(text="moisture limit")] = 300.0
        """Coils measured above are not used: assumption (NMC811 and graphite 300, LFP 500; 150-800)."""
        rewetting_ppm_per_h: Annotated[Capability, within(0.0, 1000.0)] = 10.0
        """Taken up in a dry room of -40 degC dew point: assumption (graphite and NMC 10, LFP and hard carbon 30)."""
        dry_room_h: Annotated[float, Field(ge=0.0, le=200.0)] = 1.0
        """From the oven to the closed cell: assumption."""
        dryings_at_most: Annotated[int, Field(ge=1, le=10)] = 2
        """The recipe is run again for a roll that is too wet: assumption."""
        heat_kwh_per_kg: Annotated[float, Field(ge=0.0, le=10.0)] = 0.2
        """Per kg of coating and drying: 0.73 MJ of heat per kg of cell (parameters of Baars et al.'s battery model)."""

    def review(self) -> Iterator[Remark]:
        """The oven's level must be below the target, and the recipe long enough to come near it."""
        params, level_ppm = self.params, self.at("equilibrium_ppm", 1.0)
        left = math.exp(-params.drying_h * params.dryings_at_most / self._time_constant_h())
        reached_ppm = level_ppm + max(params.moisture_before_ppm - level_ppm, 0.0) * left
        if level_ppm >= params.target_ppm:
            yield Remark(
                "target_ppm",
                f"the oven leaves {level_ppm:g} ppm (equilibrium_ppm) however long it dries, not less than the target"
                f" of {params.target_ppm:g} ppm",
                impossible=True,
                hint="a better vacuum or a higher temperature lowers equilibrium_ppm",
            )
        elif reached_ppm > params.target_ppm:
            yield Remark(
                "drying_h",
                f"{params.dryings_at_most} x {params.drying_h:g} h leave {reached_ppm:.0f} ppm in a usual coil, above"
                f" the target of {params.target_ppm:g} ppm: its time constant is {self._time_constant_h():.1f} h",
            )
        if not 60.0 <= params.temperature_c <= 150.0:
            yield Remark(
                "temperature_c", f"{params.temperature_c:g} degC is outside 60-150, where electrodes are dried"
            )
        if not 150.0 <= params.target_ppm <= 1000.0:
            yield Remark("target_ppm", f"a target of {params.target_ppm:g} ppm is outside the usual 150-1000")

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Dry, measure, dry again."""
        self.expect(lot)
        now, facts, n = self.capabilities(maturity), lot.attributes, lot.n
        lanes, most = web.shape(lot)[0], now["dryings_at_most"]
        facts["dried_kg"] = facts["kg_good"]
        logarithms, gauge = np.empty(1 + most + lanes, np.float32), np.empty((most, lanes), np.float32)
        coil_drying.draw_roll(
            draws.keys(_DECISIONS), lot.identity, _log_sigma(now["moisture_before_cv"]),
            _log_sigma(now["equilibrium_cv"]), _log_sigma(now["coil_cv"]), logarithms, gauge,
        )  # fmt: skip
        moisture = lot.columns[MOISTURE] = np.empty(n, np.float32)
        dryings, right, wrong = coil_drying.dry_coils(
            np.exp(logarithms), gauge, now["moisture_before_ppm"], now["equilibrium_ppm"],
            math.exp(-now["drying_h"] / self._time_constant_h()), now["gauge_cv"], now["target_ppm"],
            now["rewetting_ppm_per_h"] * now["dry_room_h"], WET, web.exit_codes(lot), moisture,
        )  # fmt: skip
        facts["dryings"] = float(dryings)
        web.rejected(lot, WET, right, wrong)
        web.settle_web(lot)
        if dryings > 1:
            facts["reworked"] = float(lot.n_alive)
        return lot

    def _time_constant_h(self) -> float:
        """Of a coil of this electrode at the recipe's temperature."""
        params, electrode = self.params, self.electrode
        return drying_time_constant_h(
            (electrode.width_mm + electrode.margin_mm) * 1e-3, params.temperature_c, params.time_constant_h, 0.1, 110.0,
            params.halving_k,
        )  # fmt: skip

    def work(self, lot: Lot, maturity: float) -> Work:
        """The recipe's time and heat, for each drying."""
        dryings = lot.attributes["dryings"]
        return Work(
            seconds=3600.0 * self.params.drying_h * dryings,
            heat_kwh=self.params.heat_kwh_per_kg * lot.attributes["dried_kg"] * dryings,
        )


def _log_sigma(cv: float) -> float:
    """Standard deviation of the logarithm of lognormal values."""
    return math.sqrt(math.log1p(cv**2))
