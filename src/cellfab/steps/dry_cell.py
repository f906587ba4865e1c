"""What the steps that close a dry cell share: particles between the electrodes, and a high-voltage test.

Not a step itself: `can`, `pouch` and `lid_seam` derive from `DryCell`. The largest of N Pareto sizes follows by
inversion, d_0 (1 - u^(1/N))^(-1/m); of the particles on the faces each gets in with a small probability, size
lognormal. Severity of a cell x = max(particle / (1.5 separator), burr / separator if above 0.7, 1.5 for a faulty
separator); detection f + (1 - f) c / (1 + exp(-(x - x_0) / w)).
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import notes
from cellfab.core.causes import describe
from cellfab.core.cell_columns import PARTICLE
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.steps.base import Step


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
        detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.8
        """Ceiling of the high-voltage test on a gross defect: assumption; a partial-discharge method reached 0.96 in
        the laboratory (ChemElectroChem, doi 10.1002/celc.202300797)."""
        detection_midpoint_fraction: Annotated[float, Field(ge=0.0, le=20.0)] = 1.0
        """Severity seen half as often: assumption."""
        detection_width_fraction: Annotated[float, Field(gt=0.0, le=5.0)] = 0.1
        """Width of that logistic law: assumption."""
        false_alarm_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=2e-3, mature=3e-4)
        """Of a sound cell: assumption."""

    def find_particles(self, lot: Lot, draws: Draws, maturity: float) -> None:
        """Write the largest particle between the electrodes of every cell."""
        from cellfab.kernels.particles import largest_particles

        params = self.params
        particle = np.empty(lot.n, np.float32)
        largest_particles(
            lot.columns["particles_in_roll"], self._on_faces(lot), draws.uniform("face_particles", lot),
            draws.key("particles"), lot.identity,
            float(params.smallest_particle_um), float(params.pareto_exponent),
            float(self.at("face_to_roll_probability", maturity)),
            float(params.face_particle_um), math.log(params.face_particle_gsd), particle,
        )  # fmt: skip
        lot.columns[PARTICLE] = particle

    def test_high_voltage(self, lot: Lot, draws: Draws, maturity: float, cause: int) -> None:
        """Test the living cells and scrap those with an alarm; note how many of them were sound."""
        from cellfab.kernels.inspection import raise_alarms
        from cellfab.kernels.particles import dry_severity

        params, columns = self.params, lot.columns
        severity = np.empty(lot.n, np.float32)
        dry_severity(
            columns[PARTICLE], columns["cathode_burr_um"], columns["anode_burr_um"], columns["separator_fault"],
            float(self.design.separator_um), severity,
        )  # fmt: skip
        alarms = np.empty(lot.n, np.bool_)
        raise_alarms(
            severity, draws.uniform("high_voltage", lot), float(self.at("false_alarm_probability", maturity)),
            float(self.at("detection_probability", maturity)), float(params.detection_midpoint_fraction),
            float(params.detection_width_fraction), alarms,
        )  # fmt: skip
        alarms &= lot.alive()
        lot.attributes[notes.FALSE_REJECTS + describe(cause).name] = float(np.count_nonzero(severity[alarms] <= 0.0))
        lot.scrap(alarms, cause)

    def _on_faces(self, lot: Lot) -> npt.NDArray[np.uint8]:
        """Particles lying on the ends of each roll or stack, capped at 255."""
        first, *others = self.on_faces
        total: npt.NDArray[np.uint8] = lot.columns[first].copy()
        for name in others:
            total += np.minimum(lot.columns[name], 255 - total)
        return total
