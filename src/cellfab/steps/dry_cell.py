"""What the steps that close a dry cell share: particles between the electrodes, and a high-voltage test.

Not a step itself: `can`, `pouch` and `lid_seam` derive from `DryCell`. The largest of N Pareto sizes follows by
inversion, d_0 (1 - u^(1/N))^(-1/m); of the particles on the faces each gets in with a small probability, size
lognormal; metal mixed into a coating counts, with its own size, where it stands out. Severity of a cell
x = max(particle / (1.5 separator), burr / separator if above 0.7, 1.5 for a faulty separator); detection
f + (1 - f) c / (1 + exp(-(x - x_0) / w)).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core.cell_columns import PARTICLE
from cellfab.core.draws import Draws
from cellfab.core.joining import METAL
from cellfab.core.lot import Lot
from cellfab.core.web import exit_codes, note_false_rejects, scrapped
from cellfab.kernels import AtFirstUse
from cellfab.steps.base import Step, once_per_maturity

if TYPE_CHECKING:
    from cellfab.kernels.dry_cell import DryLaw

dry_cell = AtFirstUse("dry_cell")
particles = AtFirstUse("particles")

_STREAMS = ("cells", "particles", "mixed_in")


class DryCell(Step):
    """A step that closes a cell without electrolyte and tests it for shorts."""

    reads: ClassVar[tuple[str, ...]] = ("particles_in_roll", "cathode_burr_um", "anode_burr_um", "separator_fault")
    writes: ClassVar[tuple[str, ...]] = (PARTICLE,)
    on_faces: ClassVar[tuple[str, ...]]
    """Columns that count the particles lying on the ends of roll or stack."""

    class Params(Step.Params):
        """Particles and the high-voltage test."""

        smallest_particle_um: Annotated[float, Field(gt=0.0, le=1000.0)] = 10.0
        """Size from which winding or stacking counts particles: assumption."""
        pareto_exponent: Annotated[float, Field(gt=0.5, le=10.0)] = 3.0
        """Of particle sizes, 2.5-4: typical of technical-cleanliness counts; value an assumption."""
        face_to_roll_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=1e-3, mature=5e-4)
        """That a particle on an end face gets between the electrodes: assumption, fitted to 10^-4 cells with such a
        particle on a mature line."""
        face_particle_um: Annotated[float, Field(gt=0.0, le=2000.0)] = 40.0
        """Median size of spatter and flakes: assumption."""
        face_particle_gsd: Annotated[float, Field(ge=1.0, le=10.0)] = 1.8
        """Geometric standard deviation of that size: assumption."""
        metal_exposed_probability: Annotated[Capability, within(0.0, 1.0)] = 0.5
        """That a metal particle mixed into a coating stands out of it and can reach the other electrode: assumption;
        with `on_anode_share` and `on_cathode_share` of formation three in ten of them short."""
        detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.8
        """Ceiling of the high-voltage test on a gross defect: assumption; a partial-discharge method reached 0.96 in
        the laboratory (ChemElectroChem, doi 10.1002/celc.202300797)."""
        detection_midpoint_fraction: Annotated[float, Field(ge=0.0, le=20.0)] = 1.0
        """Severity seen half as often: assumption."""
        detection_width_fraction: Annotated[float, Field(gt=0.0, le=5.0)] = 0.1
        """Width of that logistic law: assumption."""
        false_alarm_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=2e-3, mature=3e-4)
        """Of a sound cell: assumption."""

    def test_dry(
        self,
        lot: Lot,
        draws: Draws,
        maturity: float,
        cause: int,
        *,
        fault_cause: int = 0,
        fault_probability: float = 0.0,
    ) -> None:
        """Write the largest particle between the electrodes of every cell; scrap the living cells that alarm.

        With `fault_cause` some cells are damaged at closing, which is always noticed and comes before the test.
        """
        columns, n = lot.columns, lot.n
        mixed_in = columns.pop(METAL, None)
        if mixed_in is None:
            mixed_in = np.zeros(n, np.float32)
        columns[PARTICLE] = np.empty(n, np.float32)
        found = dry_cell.look_between(
            self._dry_law(maturity), float(fault_probability), *map(draws.key, _STREAMS), lot.identity,
            columns["particles_in_roll"], self._on_faces(lot), mixed_in, columns["cathode_burr_um"],
            columns["anode_burr_um"], columns["separator_fault"], columns[PARTICLE],
            np.array((cause, cause, fault_cause), np.int16), exit_codes(lot),
        )  # fmt: skip
        note_false_rejects(lot, cause, found.false_alarm)
        scrapped(lot, (cause, found.false_alarm), (cause, found.alarm), (fault_cause, found.closing_fault))

    @once_per_maturity
    def _dry_law(self, maturity: float) -> DryLaw:
        """Constants at `maturity`, as the kernel wants them."""
        at = self.capabilities(maturity)
        law: DryLaw = dry_cell.DryLaw(
            smallest_um=float(at["smallest_particle_um"]),
            exponent=float(at["pareto_exponent"]),
            transport=float(at["face_to_roll_probability"]),
            face_median_um=float(at["face_particle_um"]),
            face_log_sd=math.log(at["face_particle_gsd"]),
            exposed=float(at["metal_exposed_probability"]),
            separator_um=float(self.design.separator_um),
            false_alarm=float(at["false_alarm_probability"]),
            ceiling=float(at["detection_probability"]),
            midpoint=float(at["detection_midpoint_fraction"]),
            width=float(at["detection_width_fraction"]),
        )
        return law

    def _on_faces(self, lot: Lot) -> npt.NDArray[np.uint8]:
        """Particles lying on the ends of each roll or stack, capped at 255."""
        first, *others = self.on_faces
        total: npt.NDArray[np.uint8] = lot.columns[first].copy()
        for name in others:
            particles.add_counts(lot.columns[name], total)
        return total
