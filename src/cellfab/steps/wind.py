"""Winding: cathode, anode and two separators become jelly rolls; the electrode branches of the line end here.

What it models
    Lane by lane, the k-th good cathode segment meets the k-th good anode segment; a cell takes `pieces` such pairs
    (jelly rolls) in order. Leaders and tails are lost, and what is left of the longer roll is a remnant. Overhang of
    the anode over both edges and all turns, seen by X-ray with a gauge error. Separator faults (folds, pinholes), seen
    by a camera with a limited probability. Particles that fall between the electrodes. Plain winding faults (misfeeds,
    telescoped cores, broken webs), all of which are noticed.
Equations
    Overhang of a roll = (anode width - cathode width) / 2 (as slit) - |drift| + layer noise at its lowest of both
    edges of every turn; turns = length / mean circumference (round or flat); of a cell, that of its worst roll.
    Rejected if overhang + N(0, gauge) is below the limit. A cell fails with 1 - (1 - p)^rolls. Particles ~
    Poisson(density x cathode area), one more for each electrode with a flawed notch edge, and the metal mixed into the
    electrodes. Areal capacity = loading x active fraction x specific capacity, mean of the pieces; N/P of each pair.
Range
    Round rolls with two open ends and flat rolls; any number of lanes; the two webs may differ in length, not in
    lanes.
Rows
    In: electrode segments, lane-major (columns named in `reads`). Out: cells; unit cells. Every cell knows its
    parents' rows (cathode_row, anode_row: the first of the next `pieces` good ones), through which it inherits its
    electrodes' columns: see `cellfab.core.joining`, also for the facts about remnants in `attributes`.
    `false_rejects_*`: cells rejected by X-ray or camera although what was read is right.
Left out
    Web tension and its waves, core collapse by tension, tape adhesion, separator shrinkage, curvature of the first
    turns; choosing rolls that suit each other for one cell (a rejected roll takes its partners along).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from statistics import NormalDist
from typing import Annotated

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, within
from cellfab.core.causes import cause
from cellfab.core.draws import Draws
from cellfab.core.joining import OVERHANG, Rows
from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse
from cellfab.steps.joiner import Flags, Joiner

extremes = AtFirstUse("extremes")
winding = AtFirstUse("winding")

WINDING_FAULT = cause("wind", "winding_fault", "misfeed, telescoped core or broken web during winding")
OVERHANG_READ = cause("wind", "overhang", "X-ray reads too little anode overhang")
FOLD_SEEN = cause("wind", "separator_fault", "camera sees a fold or hole in the separator")


class Wind(Joiner):
    """Wind jelly rolls; see the module's text for the model."""

    name = "wind"
    causes = (WINDING_FAULT, OVERHANG_READ, FOLD_SEEN)

    class Params(Joiner.Params):
        """Alignment, cleanliness and inspection of the winder."""

        alignment_sd_mm: Annotated[Capability, within(0.0, 5.0)] = Ramped(start=0.15, mature=0.08)
        """Layer to layer; stacking guides give +-0.25 mm as 3 sigma (PEM RWTH and VDMA, Production Process of a
        Lithium-Ion Battery Cell, 2018)."""
        drift_sd_mm: Annotated[Capability, within(0.0, 5.0)] = Ramped(start=0.15, mature=0.08)
        """Telescoping of a whole roll: assumption, 0.03-0.15 on a mature line."""
        winding_fault_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.05, mature=0.004)
        """Of a jelly roll: assumption; winding yields of 0.993 mature (cell-cost models use 0.995) and 0.93 in a first
        month."""

    @property
    def bodies(self) -> int:
        """Jelly rolls in one cell."""
        return self.design.cathode.pieces

    @property
    def fault(self) -> Capability:
        """Probability of a winding fault."""
        fault: Capability = self.params.winding_fault_probability
        return fault

    @cached_property
    def _edges(self) -> float:
        """Edges of all turns of one roll, which the overhang is the least of."""
        return max(2.0 * self.design.roll_turns, 1.0)

    def _align(
        self, child: Lot, cathode: Lot, anode: Lot, rows: tuple[Rows, Rows], draws: Draws, maturity: float,
        short: Flags,
    ) -> None:  # fmt: skip
        winding.align_rolls(
            draws.key("alignment"), child.identity, *rows, cathode.columns["width_mm"], anode.columns["width_mm"],
            extremes.lowest_by_word(self._edges), float(self.at("drift_sd_mm", maturity)),
            float(self.at("alignment_sd_mm", maturity)), float(self.at("overhang_gauge_mm", maturity)),
            float(self.params.overhang_limit_mm), child.columns[OVERHANG], short,
        )  # fmt: skip

    def expected_overhang_mm(self) -> float:
        """Overhang left of the design's at the median drift and layer error of a mature line."""
        normal = NormalDist()
        layers = normal.inv_cdf(1.0 - 0.5 ** (1.0 / self._edges))
        drift = normal.inv_cdf(0.75)
        return float(self.across_mm - drift * self.at("drift_sd_mm", 1.0) + layers * self.at("alignment_sd_mm", 1.0))

    def review(self) -> Iterator[Remark]:
        """A design that is wound, with an overhang that winding leaves something of."""
        if self.design.stacked:
            cathode, anode = self.design.cathode.pieces, self.design.anode.pieces
            yield Remark(
                "design.anode.pieces", f"{cathode} cathode and {anode} anode pieces are a stack, which is not wound",
                impossible=True, hint="use step stack, or as many anode as cathode pieces",
            )  # fmt: skip
            return
        yield from super().review()
