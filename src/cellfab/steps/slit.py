"""Slit: the mother roll is cut into daughter rolls, one per lane.

What it models
    Per segment the width of the lane and the highest burr on its two cut edges, which grows with the age of the
    knives; both are measured with error and marked when out of tolerance. The coated strips outside the outer lanes
    fall off.
Equations
    Width = design + lane offset + noise. Burr peaks are Poisson along the edge, their heights lognormal around h_0 (1
    + (s / s_life)^1.5), s the knives' age in km; the highest of a segment's peaks is drawn from its extreme-value
    distribution exp(-mean (1 - F)). Knives are changed every `knife_interval_km`; age follows from the rolls cut
    before. The gauges' errors, normal and lognormal, are cut off at 4 standard deviations.
Range
    Rotary shear knives on calendered electrode of 100-250 um.
Rows
    In and out: segments (now each lane is a roll of its own); m. Adds width_mm, burr_um.
Left out
    Camber, edge flaking and dust, knife gap and material, burrs on one side only, changes of knives by measured burr.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse
from cellfab.steps.base import ElectrodeStep, once_per_maturity

extremes = AtFirstUse("extremes")
slitting = AtFirstUse("slitting")

WIDTH = column("width_mm", "float32", "mm", "true coated width of the electrode")
BURR = column("burr_um", "float32", "um", "true height of the highest burr on the cut edges")
OFF_WIDTH = cause("slit", "width", "lane width read as out of tolerance")
HIGH_BURR = cause("slit", "burr", "burr read as too high")


class Slit(ElectrodeStep):
    """Cut the web into lanes; see the module's text for the model."""

    name = "slit"
    reads = ("loading_mg_per_cm2",)
    writes = (WIDTH, BURR)

    class Params(ElectrodeStep.Params):
        """Knives, their wear, and inspection."""

        lane_width_sd_mm: Annotated[Capability, within(0.0, 10.0)] = Ramped(start=0.038, mature=0.03)
        """Position error of a lane's knives on a roll, 1 sigma: assumption."""
        width_noise_sd_mm: Annotated[Capability, within(0.0, 10.0)] = 0.01
        """From electrode to electrode, 1 sigma: assumption."""
        width_gauge_sd_mm: Annotated[Capability, within(0.0, 10.0)] = 0.01
        """Error of the width camera, 1 sigma: assumption."""
        width_tolerance_mm: Annotated[float, Field(gt=0.0, le=20.0), Threshold()] = 0.1
        """Usual of slitting machines for electrodes: 0.05-0.25."""
        burr_um: Annotated[float, Field(gt=0.0, le=100.0)] = 3.0
        """Median burr peak of new knives: assumption."""
        burr_spread_ln: Annotated[float, Field(ge=0.0, le=3.0)] = 0.35
        """Standard deviation of the logarithm of peak heights: assumption."""
        burr_peaks_per_km: Annotated[Capability, within(0.0, 1e6)] = Ramped(start=340.0, mature=34.0)
        """Peaks per km of cut edge: assumption, for about 5 burrs per km above 10 um on a new line and 0.5 on a mature
        one, averaged over the knives' life."""
        burr_limit_um: Annotated[float, Field(gt=0.0, le=200.0), Threshold()] = 10.0
        """Usual limit for aluminium 10, for copper 7; below half the separator."""
        burr_gauge_spread_ln: Annotated[Capability, within(0.0, 3.0)] = 0.15
        """Error of the edge camera, standard deviation of the logarithm: assumption."""
        knife_life_km: Annotated[float, Field(gt=0.0, le=1e5)] = 500.0
        """Web after which the median burr has doubled: assumption for tungsten carbide, 100-2000."""
        knife_wear_exponent: Annotated[float, Field(gt=0.0, le=10.0)] = 1.5
        """Growth of the burr with age: assumption."""
        knife_interval_km: Annotated[float, Field(gt=0.0, le=1e5)] = 500.0
        """Web between two knife changes: assumption."""

    def review(self) -> Iterator[Remark]:
        """Burrs must stay well below the separator; gauges must be finer than what they watch."""
        params, separator_um = self.params, self.design.separator_um
        if params.burr_limit_um >= separator_um:
            yield Remark(
                "burr_limit_um",
                f"burrs up to {params.burr_limit_um:g} um pass, but the separator has {separator_um:g} um",
                impossible=True,
                hint="usual limits are 7-10 um",
            )
        elif params.burr_limit_um <= params.burr_um:
            yield Remark(
                "burr_limit_um",
                f"the limit of {params.burr_limit_um:g} um is not above the median burr of new knives"
                f" ({params.burr_um:g} um, burr_um)",
            )
        if params.knife_interval_km > 3.0 * params.knife_life_km:
            yield Remark(
                "knife_interval_km",
                f"knives are changed after {params.knife_interval_km:g} km, more than three times their life of"
                f" {params.knife_life_km:g} km",
            )
        gauge_mm = self.at("width_gauge_sd_mm", 1.0)
        if 3.0 * gauge_mm > params.width_tolerance_mm:
            yield Remark(
                "width_gauge_sd_mm",
                f"the gauge's error (3 x {gauge_mm:g} mm) is larger than the tolerance ({params.width_tolerance_mm:g}"
                " mm) that it is to watch",
            )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Cut, measure and mark."""
        self.expect(lot)
        now, facts, columns = self.capabilities(maturity), lot.attributes, lot.columns
        lanes, positions = web.shape(lot)
        facts["kg_strip"] = 0.0

        design_mm, tolerance_mm = self.electrode.width_mm, now["width_tolerance_mm"]
        columns[WIDTH] = web.field(
            lot, draws, "width", now["width_noise_sd_mm"], design_mm, draws.normal("lane", lot, lanes),
            scale=now["lane_width_sd_mm"],
        )  # fmt: skip
        web.inspect(
            lot, draws, "width_gauge", columns[WIDTH], design_mm - tolerance_mm, design_mm + tolerance_mm, OFF_WIDTH,
            absolute=now["width_gauge_sd_mm"],
        )  # fmt: skip

        median = np.empty(positions, np.float32)
        slitting.worn_medians(
            now["burr_um"], lot.ordinal * facts["planned_m"], facts["pitch_m"], now["knife_interval_km"],
            now["knife_life_km"], now["knife_wear_exponent"], median,
        )  # fmt: skip
        burr = columns[BURR] = np.empty(lot.n, np.float32)
        slitting.cut_burrs(
            draws.key("burr"), lot.identity, web.planned_positions(lot), self._peak_factors(maturity), median, burr
        )
        web.inspect(
            lot, draws, "burr_gauge", burr, -math.inf, now["burr_limit_um"], HIGH_BURR,
            log_spread=now["burr_gauge_spread_ln"],
        )  # fmt: skip
        web.settle_web(lot)
        return lot

    @once_per_maturity
    def _peak_factors(self, maturity: float) -> npt.NDArray[np.int64]:
        """Table of the highest of a segment's peaks over the median one."""
        now = self.capabilities(maturity)
        highest = extremes.highest(now["burr_peaks_per_km"] * 2e-3 * self.electrode.length_m)
        factors = np.empty(highest.size - 1, np.int64)
        slitting.peak_factors(highest, now["burr_spread_ln"], factors)
        return factors
