"""Fold and knead: the bare foil flags at both ends of the roll are laid down into a dense, flat face to weld on.

What it models
    One depth error per face decides how dense and flat the face is, how far it lies from the separator and whether
    flags tear; the flatter the face, the smaller the gap under the disc. Kneading also makes metal flakes. A camera
    looks for torn flags.
Equations
    z ~ N(0, 1) per face, depth error = sd x z. Median gap of the cell's seams x exp(-ln(gsd) z). Distance from weld
    plane to separator = nominal - depth error. Torn share of the flags q = rate x max(0, depth error - onset), at most
    0.99: 1 - q of the face conducts. Flakes ~ Poisson(mean) for both faces together. Rejected if q of either face,
    read with a normal error, is above the limit.
Range
    Tabless rolls with notched flags of 5-12 mm and bare margins of 4-9 mm, longer than the separator's overhang and
    the distance to the weld plane together; torn share well below 1; up to 50 flakes.
Rows
    In and out: cells. Adds for each face (cathode, anode): gap_factor (1), separator_distance_mm (mm), torn_fraction
    (1); particles_folding (of both faces). Facts in `attributes`: false_rejects, cells scrapped whose torn shares are
    within the limit.
Left out
    Shape of the single flag, spring-back, tool wear between changes, flag misalignment from notching, solid share
    following the depth, flakes growing with torn flags.
Sources
    Flags, margins and kneading tools: patents on tabless cells and teardown videos; all values are assumptions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core.causes import cause
from cellfab.core.cell_columns import JOINTS
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.core.web import exit_codes, note_false_rejects, scrapped
from cellfab.kernels import AtFirstUse
from cellfab.steps.base import Step, once_per_maturity

if TYPE_CHECKING:
    from cellfab.kernels.folding import FoldLaw

folding = AtFirstUse("folding")

_FACES = ("cathode", "anode")
_COLUMNS = tuple(
    (
        column(f"{face}_gap_factor", "float32", "1", f"median gap under the {face} disc, relative to the line's"),
        column(f"{face}_separator_distance_mm", "float32", "mm", f"from the {face} weld plane to the separator's edge"),
        JOINTS[face].torn,
    )
    for face in _FACES
)
PARTICLES = column("particles_folding", "uint8", "1", "metal flakes that kneading leaves on the faces of the roll")
TORN = cause("fold", "torn_flags", "camera sees too many torn flags")


class Fold(Step):
    """Lay down and knead the flags; see the module's text for the model."""

    name = "fold"
    writes = (*(name for face in _COLUMNS for name in face), PARTICLES)

    class Params(Step.Params):
        """Tool and inspection."""

        depth_sd_mm: Annotated[Capability, within(0.0, 2.0)] = Ramped(start=0.06, mature=0.03)
        """Error of the folding depth, 1 sigma: assumption."""
        gap_gsd: Annotated[Capability, within(1.0, 5.0)] = Ramped(start=1.25, mature=1.15)
        """Cell to cell, geometric standard deviation of the median gap: assumption; a share of the flatness of 10-50
        um."""
        separator_distance_mm: Annotated[float, Field(gt=0.0, le=20.0)] = 2.0
        """Weld plane to separator edge: assumption, 1.2-3."""
        tear_onset_mm: Annotated[float, Field(ge=0.0, le=5.0)] = 0.12
        """Depth error from which flags tear: assumption."""
        torn_fraction_per_mm: Annotated[float, Field(ge=0.0, le=20.0)] = 1.0
        """Share of flags torn per mm beyond: assumption."""
        torn_limit_fraction: Annotated[float, Field(ge=0.0, le=1.0), Threshold(text="torn foil")] = 0.03
        """Rejected above, as read by the camera: assumption."""
        camera_error_fraction: Annotated[Capability, within(0.0, 0.5)] = 0.005
        """Error of the reading, 1 sigma: assumption."""
        particles_per_cell: Annotated[Capability, within(0.0, 50.0)] = Ramped(start=0.2, mature=0.04)
        """Flakes above 30 um, both faces: assumption, 0.001-0.2 per face."""

    def review(self) -> Iterator[Remark]:
        """The bare margins must reach the weld plane."""
        design, params = self.design, self.params
        for name, electrode in (("cathode", design.cathode), ("anode", design.anode)):
            overhang_mm = 0.5 * (design.separator_width_mm - electrode.width_mm)
            needed_mm = overhang_mm + params.separator_distance_mm
            if electrode.margin_mm < needed_mm:
                yield Remark(
                    f"design.{name}.margin_mm",
                    f"a bare margin of {electrode.margin_mm:g} mm does not reach the weld plane: the separator"
                    f" overhangs the coating by {overhang_mm:g} mm, and the plane lies"
                    f" {params.separator_distance_mm:g} mm beyond it",
                    impossible=True,
                    hint=f"a margin of more than {needed_mm:g} mm, or a smaller separator_distance_mm",
                )
        onset, sd = params.tear_onset_mm, self.at("depth_sd_mm", 1.0)
        if onset < 2.0 * sd:
            yield Remark(
                "tear_onset_mm",
                f"flags tear from a depth error of {onset:g} mm, less than twice its standard deviation of {sd:g} mm",
            )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Fold both faces of every cell."""
        gap, distance, torn = np.empty((3, 2, lot.n), np.float32)
        flakes = np.empty(lot.n, np.uint8)
        rejected, sound = folding.knead(
            self._law(maturity), draws.key("faces"), lot.identity, gap, distance, torn, flakes, TORN, exit_codes(lot)
        )
        for face, names in enumerate(_COLUMNS):
            lot.columns.update(zip(names, (gap[face], distance[face], torn[face]), strict=True))
        lot.columns[PARTICLES] = flakes
        scrapped(lot, (TORN, rejected))
        note_false_rejects(lot, TORN, sound)
        return lot

    @once_per_maturity
    def _law(self, maturity: float) -> FoldLaw:
        at = self.capabilities(maturity)
        law: FoldLaw = folding.FoldLaw(
            depth_sd_mm=float(at["depth_sd_mm"]),
            gap_log_sd=math.log(at["gap_gsd"]),
            distance_mm=float(at["separator_distance_mm"]),
            onset_mm=float(at["tear_onset_mm"]),
            torn_per_mm=float(at["torn_fraction_per_mm"]),
            flakes=float(at["particles_per_cell"]),
            torn_limit=float(at["torn_limit_fraction"]),
            camera_error=float(at["camera_error_fraction"]),
        )
        return law
