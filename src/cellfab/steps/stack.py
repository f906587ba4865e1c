"""Stacking: sheets of cathode and anode are laid on each other with separator between; the electrode branches end here.

What it models
    Z-folding, or cutting and stacking: from each lane's daughter rolls come sheets, which a camera looks at before they
    are laid. A sheet thrown out is lost alone, not the cell. The next N good cathode and N + 1 good anode sheets of a
    lane make a stack that begins and ends with an anode; leaders, tails and what is left of the longer web are lost.
    Overhang of the anodes over all edges, seen by X-ray with a gauge error. Separator faults (folds, cuts) seen by a
    camera with a limited probability, particles between the sheets, and stacking faults (double or shifted sheets),
    all of which are noticed.
Equations
    Overhang = min over N sheets and both directions of (design overhang - |e|), e ~ N(0, placing); so the farthest of
    N half-normal errors counts, with distribution (2 Phi(x) - 1)^N, across the web (widths as slit, mean of the
    stack's sheets) and along it (cut lengths of the design). Rejected if overhang + N(0, gauge) is below the limit.
    Particles ~ Poisson(density x cathode area), one more for each sheet with a flawed notch edge, and the metal mixed
    into the electrodes. Areal capacity = loading x active fraction x specific capacity, mean of the sheets; the N/P
    ratio is the lowest of each cathode sheet with either of its neighbours.
Range
    Stacks of 2-1000 sheets of one electrode in pouch or prismatic cells; the webs may differ in length, not in lanes.
Rows
    In: electrode segments (sheets), lane-major (columns named in `reads`); sheets thrown out get an exit code in their
    own lot. Out: cells; unit cells. Every cell knows its parents' rows (cathode_row, anode_row: the first of the next
    N or N + 1 good ones), through which it inherits its electrodes' columns: see `cellfab.core.joining`, also for the
    facts about remnants in `attributes`. `false_rejects_*`: cells rejected although what was read is right.
Left out
    Errors of neighbouring sheets that go together (a shifted guide), rotation of sheets, cutting length errors, the
    magazine's order of sheets from several rolls, rework of rejected stacks, lamination to the separator.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist
from typing import Annotated

import numpy as np
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.draws import Draws
from cellfab.core.joining import OVERHANG, Rows
from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse
from cellfab.steps.joiner import Flags, Joiner

extremes = AtFirstUse("extremes")
joining = AtFirstUse("joining")
stacking = AtFirstUse("stacking")

SHEET = cause("stack", "sheet", "sheet thrown out by the camera before stacking")
STACKING_FAULT = cause("stack", "stacking_fault", "double, missing or shifted sheet during stacking")
OVERHANG_READ = cause("stack", "overhang", "X-ray reads too little anode overhang")
FOLD_SEEN = cause("stack", "separator_fault", "camera sees a fold or cut in the separator")


class Stack(Joiner):
    """Stack sheets; see the module's text for the model."""

    name = "stack"
    causes = (STACKING_FAULT, OVERHANG_READ, FOLD_SEEN)

    class Params(Joiner.Params):
        """Placing, cleanliness and inspection of the stacker."""

        placing_sd_mm: Annotated[Capability, within(0.0, 5.0)] = Ramped(start=0.12, mature=0.083)
        """Place of a sheet over its neighbours, in either direction: +-0.25 mm as 3 sigma (PEM RWTH and VDMA,
        Production Process of a Lithium-Ion Battery Cell, 2018); on a new line an assumption."""
        sheet_reject_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.01, mature=0.003)
        """Of a sheet with sound edges: assumption, 0.001-0.01."""
        flawed_sheet_seen_share: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.7, mature=0.9)
        """Of sheets with a flawed notch edge, share thrown out: assumption."""
        stacking_fault_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.06, mature=0.007)
        """Of a stack: assumption; with overhang and camera, stacking yields of 0.99 mature and 0.92 in a first
        month."""
        tapes: Annotated[int, Field(ge=0, le=10)] = 4
        """Closing tapes per stack: assumption."""

    @property
    def bodies(self) -> int:
        """Stacks in one cell."""
        return 1

    @property
    def fault(self) -> Capability:
        """Probability of a stacking fault."""
        fault: Capability = self.params.stacking_fault_probability
        return fault

    @property
    def along_mm(self) -> float:
        """Overhang of centred sheets along the web, by design."""
        return 500.0 * (self.design.anode.length_m - self.design.cathode.length_m)

    def _sort_out(self, web_lot: Lot, draws: Draws, maturity: float) -> None:
        name = web_lot.material
        thrown = stacking.throw_out_sheets(
            draws.key(f"{name}_sheet"), draws.key(f"{name}_sheet_digits"), web_lot.identity,
            web.planned_positions(web_lot), web.shape(web_lot)[0], web_lot.columns["notch_flaw"],
            float(self.at("sheet_reject_probability", maturity)), float(self.at("flawed_sheet_seen_share", maturity)),
            SHEET, web.exit_codes(web_lot),
        )  # fmt: skip
        web.scrapped(web_lot, (SHEET, thrown))

    def _align(
        self, child: Lot, cathode: Lot, anode: Lot, rows: tuple[Rows, Rows], draws: Draws, maturity: float,
        short: Flags,
    ) -> None:  # fmt: skip
        widths = np.empty((2, child.n), np.float32)
        joining.mean_of_pieces(rows[0], cathode.columns["width_mm"], widths[0])
        joining.mean_of_pieces(rows[1], anode.columns["width_mm"], widths[1])
        stacking.align_sheets(
            draws.key("alignment"), child.identity, extremes.farthest(self.design.cathode.pieces),
            float(self.at("placing_sd_mm", maturity)), float(self.at("overhang_gauge_mm", maturity)),
            widths[0], widths[1], self.along_mm, float(self.params.overhang_limit_mm), child.columns[OVERHANG], short,
        )  # fmt: skip

    def expected_overhang_mm(self) -> float:
        """Overhang left at the median farthest sheet of a mature line."""
        share = 0.5 ** (1.0 / (2.0 * self.design.cathode.pieces))
        farthest = NormalDist().inv_cdf(0.5 + 0.5 * share)
        return float(min(self.across_mm, self.along_mm) - farthest * self.at("placing_sd_mm", 1.0))

    def review(self) -> Iterator[Remark]:
        """A design that is stacked, with an overhang that stacking leaves something of."""
        if not self.design.stacked:
            pieces = self.design.cathode.pieces
            yield Remark(
                "design.anode.pieces", f"{pieces} cathode and {pieces} anode pieces are jelly rolls, not a stack",
                impossible=True, hint="use step wind, or one anode piece more",
            )  # fmt: skip
            return
        yield from super().review()
