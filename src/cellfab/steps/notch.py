"""Notch: a laser cuts the bare margin of each lane into flags, the tabs of a tabless electrode.

What it models
    Per segment the error of the flags' height, and whether the cut left dust or a damaged edge. A camera measures the
    height with error, sees most damaged edges and now and then takes a good one for damaged.
Equations
    Height error normal with a lane offset; flaws Bernoulli; flaws are seen with a probability, false alarms likewise.
Range
    Laser notching at 30-100 m/min of foil margins of 4-9 mm.
Rows
    In and out: segments; m. Adds flag_height_error_mm, notch_flaw (1 if dust or heat damage is there).
Left out
    Torn and folded flags, pitch errors, heat-affected zone as a size, laser wear, particles carried into the roll.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.steps.base import ElectrodeStep

HEIGHT_ERROR = column("flag_height_error_mm", "float32", "mm", "true height of the flags less the design")
FLAW = column("notch_flaw", "float32", "1", "1 if notching left dust or a heat-damaged edge")
OFF_HEIGHT = cause("notch", "flag_height", "flag height read as out of tolerance")
SEEN_FLAW = cause("notch", "cut_edge", "cut edge taken for damaged")


class Notch(ElectrodeStep):
    """Cut the flags; see the module's text for the model."""

    name = "notch"
    reads = ("loading_mg_per_cm2",)
    writes = (HEIGHT_ERROR, FLAW)

    class Params(ElectrodeStep.Params):
        """Laser and camera."""

        lane_height_sd_mm: Annotated[Capability, within(0.0, 10.0)] = Ramped(start=0.06, mature=0.03)
        """Web guiding of a lane, 1 sigma: assumption."""
        height_noise_sd_mm: Annotated[Capability, within(0.0, 10.0)] = Ramped(start=0.06, mature=0.04)
        """From electrode to electrode, 1 sigma: assumption."""
        height_gauge_sd_mm: Annotated[Capability, within(0.0, 10.0)] = 0.02
        """Error of the camera, 1 sigma: assumption."""
        height_tolerance_mm: Annotated[float, Field(gt=0.0, le=20.0)] = 0.25
        """Assumption: what folding and the disc weld can bear."""
        flaw_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=5e-3, mature=5e-4)
        """Dust or heat damage per electrode: assumption, 1e-4 to 5e-3 per cell."""
        flaw_seen_share: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.8, mature=0.95)
        """Of flaws, share that the camera sees: assumption."""
        false_alarm_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=2e-3, mature=2e-4)
        """Of a sound electrode: assumption."""

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Notch, look and mark."""
        self.expect(lot)
        lanes = web.shape(lot)[0]
        lane = np.float32(self.at("lane_height_sd_mm", maturity)) * draws.normal("lane", lot, lanes)
        noise = np.float32(self.at("height_noise_sd_mm", maturity)) * web.normal(draws, "height", lot)
        height = (lane[:, None] + noise).ravel()
        gauge = np.float32(self.at("height_gauge_sd_mm", maturity)) * web.normal(draws, "height_gauge", lot).ravel()
        lot.columns[HEIGHT_ERROR] = height
        lot.scrap(np.abs(height + gauge) > self.params.height_tolerance_mm, OFF_HEIGHT)

        flawed = web.uniform(draws, "flaw", lot).ravel() < self.at("flaw_probability", maturity)
        lot.columns[FLAW] = flawed.astype(np.float32)
        alarm = np.where(
            flawed, self.at("flaw_seen_share", maturity), self.at("false_alarm_probability", maturity)
        ).astype(np.float32)
        lot.scrap(web.uniform(draws, "camera", lot).ravel() < alarm, SEEN_FLAW)
        web.settle_web(lot)
        return lot
