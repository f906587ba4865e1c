"""Notch: a laser cuts the bare margin of each lane into flags, the tabs of a tabless electrode.

What it models
    Per segment the error of the flags' height, and whether the cut left dust or a damaged edge. A camera measures the
    height with error, sees most damaged edges and now and then takes an edge for damaged, whatever it is.
Equations
    Height error normal with a lane offset; flaws and false alarms Poisson along the web with the rate that gives each
    electrode its probability, -ln(1 - p); flaws are seen with a probability. Gauges: normal, cut off at 4 sigma.
Range
    Laser notching at 30-100 m/min of foil margins of 4-9 mm.
Rows
    In and out: segments; m. Adds notch_flaw (1 if dust or heat damage is there); flag_height_error_mm with
    `keep_all_columns`.
Left out
    Torn and folded flags, pitch errors, heat-affected zone as a size, laser wear, particles carried into the roll.
"""

from __future__ import annotations

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

web_events = AtFirstUse("web_events")
web_flaws = AtFirstUse("web_flaws")

HEIGHT_ERROR = column("flag_height_error_mm", "float32", "mm", "true height of the flags less the design")
FLAW = column("notch_flaw", "uint8", "1", "1 if notching left dust or a heat-damaged edge")
OFF_HEIGHT = cause("notch", "flag_height", "flag height read as out of tolerance")
SEEN_FLAW = cause("notch", "cut_edge", "cut edge taken for damaged")


class Notch(ElectrodeStep):
    """Cut the flags; see the module's text for the model."""

    name = "notch"
    reads = ("loading_mg_per_cm2",)
    writes = (FLAW,)
    on_demand = (HEIGHT_ERROR,)
    """Columns kept with `keep_all_columns`: no later step reads them."""

    class Params(ElectrodeStep.Params):
        """Laser and camera."""

        lane_height_sd_mm: Annotated[Capability, within(0.0, 10.0)] = Ramped(start=0.06, mature=0.03)
        """Web guiding of a lane, 1 sigma: assumption."""
        height_noise_sd_mm: Annotated[Capability, within(0.0, 10.0)] = Ramped(start=0.06, mature=0.04)
        """From electrode to electrode, 1 sigma: assumption."""
        height_gauge_sd_mm: Annotated[Capability, within(0.0, 10.0)] = 0.02
        """Error of the camera, 1 sigma: assumption."""
        height_tolerance_mm: Annotated[float, Field(gt=0.0, le=20.0), Threshold()] = 0.25
        """Assumption: what folding and the disc weld can bear."""
        flaw_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=5e-3, mature=5e-4)
        """Dust or heat damage per electrode: assumption, 1e-4 to 5e-3 per cell."""
        flaw_seen_share: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.8, mature=0.95)
        """Of flaws, share that the camera sees: assumption."""
        false_alarm_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=2e-3, mature=2e-4)
        """Of an electrode, sound or not: assumption."""
        keep_all_columns: bool = False
        """Keep the flags' true height error, which no later step reads, in a column: memory."""

    def review(self) -> Iterator[Remark]:
        """There must be a margin to cut, and a camera that is finer than what it watches."""
        params, margin_mm = self.params, self.electrode.margin_mm
        if margin_mm <= 0.0:
            yield Remark(
                f"design.{params.electrode}.margin_mm",
                f"the {params.electrode} has no bare margin (margin_mm 0): there is nothing to cut flags from",
                impossible=True,
            )
        elif margin_mm <= params.height_tolerance_mm:
            yield Remark(
                "height_tolerance_mm",
                f"flags of {margin_mm:g} mm may be off by {params.height_tolerance_mm:g} mm: all of them",
            )
        gauge_mm = self.at("height_gauge_sd_mm", 1.0)
        if 3.0 * gauge_mm > params.height_tolerance_mm:
            yield Remark(
                "height_gauge_sd_mm",
                f"the camera's error (3 x {gauge_mm:g} mm) is larger than the tolerance"
                f" ({params.height_tolerance_mm:g} mm) that it is to watch",
            )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Notch, look and mark."""
        self.expect(lot)
        now, lanes = self.capabilities(maturity), web.shape(lot)[0]
        height = web.field(
            lot, draws, "height", now["height_noise_sd_mm"], 0.0, draws.normal("lane", lot, lanes),
            scale=now["lane_height_sd_mm"],
        )  # fmt: skip
        tolerance_mm = now["height_tolerance_mm"]
        web.inspect(
            lot, draws, "height_gauge", height, -tolerance_mm, tolerance_mm, OFF_HEIGHT,
            absolute=now["height_gauge_sd_mm"],
        )  # fmt: skip
        if now["keep_all_columns"]:
            lot.columns[HEIGHT_ERROR] = height
        flaw, code = np.empty(lot.n, np.uint8), web.exit_codes(lot)
        right, wrong = web_flaws.inspect_cuts(
            draws.key("cut"), draws.key("false_alarm"), lot.identity, self._rates(maturity), now["flaw_seen_share"],
            *web.grid(lot), SEEN_FLAW, code, flaw,
        )  # fmt: skip
        lot.columns[FLAW] = flaw
        web.rejected(lot, SEEN_FLAW, right, wrong)
        web.settle_web(lot)
        return lot

    @once_per_maturity
    def _rates(self, maturity: float) -> npt.NDArray[np.float64]:
        """Flaws and false alarms expected of an electrode."""
        now = self.capabilities(maturity)
        return np.array(
            [web_events.rate_of(now[name]) for name in ("flaw_probability", "false_alarm_probability")], np.float64
        )
