"""What winding and stacking have in common: electrodes become cells, and what lies between them is inspected."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, capability_at, within
from cellfab.core import joining
from cellfab.core.draws import Draws
from cellfab.core.joining import OVERHANG, PARTICLES, SEPARATOR_FAULT, Pieces, Rows
from cellfab.core.lot import Lot
from cellfab.core.web import exit_codes, note_false_rejects, scrapped
from cellfab.kernels import AtFirstUse
from cellfab.steps.base import Merge, Work, once_per_maturity

if TYPE_CHECKING:
    from cellfab.kernels.winding import JoiningLaw

winding = AtFirstUse("winding")

Flags = npt.NDArray[np.uint8]


class Joiner(Merge):
    """A step that makes cells out of cathode, anode and separator."""

    takes = ("cathode", "anode", "separator")
    reads = joining.READS
    writes = joining.WRITES
    causes: ClassVar[tuple[int, int, int]]
    """Exit codes of a fault, of too little overhang and of a separator fault."""

    class Params(Merge.Params):
        """Cleanliness and inspection of a winder or stacker."""

        roll_loss_m: Annotated[float, Field(ge=0.0, le=100.0)] = 6.0
        """Leader and tail lost per daughter roll: assumption, 2-15."""
        overhang_limit_mm: Annotated[float, Field(ge=-5.0, le=5.0), Threshold(-1)] = 0.2
        """Least overhang read on the X-ray image: assumption."""
        overhang_gauge_mm: Annotated[Capability, within(0.0, 1.0)] = 0.05
        """Error of the X-ray gauge, 1 sigma: assumption."""
        separator_fault_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=3e-4, mature=2e-5)
        """Of a jelly roll or stack: assumption."""
        separator_detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.5
        """That the camera sees it: assumption."""
        camera_false_alarm_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=2e-3, mature=2e-4)
        """That the camera rejects a sound roll or stack: assumption."""
        particles_per_m2: Annotated[Capability, within(0.0, 1e4)] = Ramped(start=0.05, mature=0.005)
        """Above 10 um, falling between the electrodes up to here, per coated cathode area: assumption."""
        separator_material: str = "separator"
        """Name of the separator in `materials` (m2)."""
        tape_material: str = "tape"
        """Name of the closing tape in `materials` (pieces)."""
        tapes: Annotated[int, Field(ge=0, le=10)] = 1
        """Closing tapes per jelly roll or stack."""

    def __init__(self, params: Any, design: CellDesign) -> None:
        super().__init__(params, design)
        cathode, anode = design.cathode, design.anode
        self.pieces = Pieces(
            cathode.pieces, anode.pieces,
            math.ceil(params.roll_loss_m / cathode.length_m), math.ceil(params.roll_loss_m / anode.length_m),
        )  # fmt: skip
        """Segments per cell, and good segments lost per daughter roll."""
        self._codes = np.array(self.causes, np.int16)

    def merge(self, lots: Mapping[str, Lot], draws: Draws, maturity: float) -> Lot:
        """Make cells of one cathode and one anode lot."""
        cathode, anode = lots["cathode"], lots["anode"]
        self._sort_out(cathode, draws, maturity)
        self._sort_out(anode, draws, maturity)
        rows = joining.take(cathode, anode, self.pieces)
        child = joining.join(cathode, anode, lots["separator"], draws.owner, rows, self.pieces)
        n, columns = child.n, child.columns
        columns[PARTICLES] = joining.flaws(cathode, anode, rows, n)
        columns[SEPARATOR_FAULT], short = np.empty(n, np.uint8), np.empty(n, np.uint8)
        columns[OVERHANG] = np.empty(n, np.float32)
        self._align(child, cathode, anode, rows, draws, maturity, short)
        found = winding.inspect_cells(
            self._law(maturity), draws.key("faults"), draws.key("fault_digits"), child.identity, short,
            columns[OVERHANG], columns[SEPARATOR_FAULT], columns[PARTICLES], self._codes, exit_codes(child),
        )  # fmt: skip
        fault, overhang, camera = self.causes
        scrapped(child, (fault, found.fault), (overhang, found.overhang), (camera, found.camera))
        note_false_rejects(child, overhang, found.sound_overhang)
        note_false_rejects(child, camera, found.sound_camera)
        child.attributes["joined_cells"] = float(n)
        child.amount = float(child.n_alive)
        return child

    def work(self, lot: Lot, maturity: float) -> Work:
        """Separator and tape of every cell made, rejected ones included."""
        made = lot.attributes["joined_cells"]
        materials = {self.params.separator_material: made * self.design.separator_area_m2}
        if self.params.tapes:
            materials[self.params.tape_material] = made * self.params.tapes * self.bodies
        return Work(materials=materials)

    @property
    @abstractmethod
    def bodies(self) -> int:
        """Jelly rolls or stacks in one cell."""

    @property
    @abstractmethod
    def fault(self) -> Capability:
        """Probability of a fault of one jelly roll or stack that is always noticed."""

    def _sort_out(self, web: Lot, draws: Draws, maturity: float) -> None:
        """Scrap segments before they are taken."""

    @abstractmethod
    def _align(
        self, child: Lot, cathode: Lot, anode: Lot, rows: tuple[Rows, Rows], draws: Draws, maturity: float,
        short: Flags,
    ) -> None:  # fmt: skip
        """Fill the cells' overhang, and 1 where the gauge reads less than the limit."""

    @once_per_maturity
    def _law(self, maturity: float) -> JoiningLaw:
        """What happens to one cell; a fault of one of its rolls is the cell's."""

        def of_cell(probability: float) -> float:
            return 1.0 - (1.0 - probability) ** self.bodies

        false_alarm = of_cell(self.at("camera_false_alarm_probability", maturity))
        detected = self.at("separator_detection_probability", maturity)
        law: JoiningLaw = winding.JoiningLaw(
            fault=of_cell(capability_at(self.fault, maturity)),
            separator_fault=of_cell(self.at("separator_fault_probability", maturity)),
            camera_false_alarm=false_alarm,
            camera_seen=false_alarm + (1.0 - false_alarm) * detected,
            particles=float(self.at("particles_per_m2", maturity) * self.design.cathode.area_m2),
            overhang_limit_mm=float(self.params.overhang_limit_mm),
        )
        return law

    # ---- review ------------------------------------------------------------------------------------------------

    @property
    def across_mm(self) -> float:
        """Overhang of centred electrodes across the web, by design."""
        return 0.5 * (self.design.anode.width_mm - self.design.cathode.width_mm)

    @abstractmethod
    def expected_overhang_mm(self) -> float:
        """What is typically left of the design's overhang on a mature line: the median cell's."""

    def review(self) -> Iterator[Remark]:
        """Overhang and separator of the design, and the limit that they are held to."""
        design, limit = self.design, self.params.overhang_limit_mm
        cathode, anode = design.cathode, design.anode
        if self.across_mm <= 0.0:
            yield Remark(
                "design.anode.width_mm",
                f"anode ({anode.width_mm:g} mm) and cathode ({cathode.width_mm:g} mm) leave an overhang of"
                f" {self.across_mm:g} mm on either edge: lithium or sodium plates where the cathode faces no anode",
                impossible=True, hint="make the anode wider, by 1-4 mm in all",
            )  # fmt: skip
        elif limit >= self.across_mm:
            yield Remark(
                "overhang_limit_mm",
                f"the limit of {limit:g} mm is not below the design's overhang of {self.across_mm:g} mm:"
                " every cell would be rejected",
                impossible=True, hint="lower the limit or widen the anode",
            )  # fmt: skip
        elif anode.length_m > cathode.length_m and self.expected_overhang_mm() < limit:
            left_mm = round(self.expected_overhang_mm(), 2) + 0.0  # no "-0.00"
            yield Remark(
                "overhang_limit_mm",
                f"of the design's overhang of {self.across_mm:g} mm the median cell keeps {left_mm:.2f} mm"
                f" on a mature line, less than the limit of {limit:g} mm",
                hint="widen the anode or align better",
            )  # fmt: skip
        if anode.length_m <= cathode.length_m:
            yield Remark(
                "design.anode.length_m",
                f"the anode ({anode.length_m:g} m) is not longer than the cathode ({cathode.length_m:g} m):"
                " lithium or sodium plates where the cathode faces no anode",
                impossible=True, hint="make the anode longer",
            )  # fmt: skip
        if design.separator_width_mm <= anode.width_mm:
            yield Remark(
                "design.separator_width_mm",
                f"the separator ({design.separator_width_mm:g} mm) is not wider than the anode ({anode.width_mm:g} mm):"
                " the electrodes touch at its edge",
                impossible=True, hint="make it 2-6 mm wider",
            )  # fmt: skip
