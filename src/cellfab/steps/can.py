"""Can: the welded roll goes into its can, which is beaded, crimped and tested for shorts while still dry.

What it models
    Canning faults, all noticed. What ended up between the electrodes: the largest of the particles wound in, and of
    those on the faces that find their way in. A high-voltage test of the dry cell, which sees particles, burrs and
    separator faults by their size against the separator, and now and then rejects a sound cell.
Equations
    Largest of N Pareto sizes by inversion, d_0 (1 - u^(1/N))^(-1/m); of the particles on the faces each gets in with
    a small probability, size lognormal. Severity x = max(particle / (1.5 separator), burr / separator if above 0.7,
    1.5 for a faulty separator); detection f + (1 - f) c / (1 + exp(-(x - x_0) / w)).
Range
    Cells without electrolyte; at most 255 particles of a kind per cell.
Rows
    In and out: cells. Adds particle_um (0: none).
Left out
    Can and bead geometry, insertion force against roll diameter, terminal weld, partial discharge at the voltage's
    rise.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.steps.base import Step, Work

PARTICLE = column("particle_um", "float32", "um", "largest particle between the electrodes; 0 without one")
CANNING_FAULT = cause("can", "canning_fault", "damage at insertion, beading or crimping")
HIGH_VOLTAGE = cause("can", "high_voltage", "current in the high-voltage test of the dry cell")


class Can(Step):
    """Can and test; see the module's text for the model."""

    name = "can"
    reads = (
        "particles_in_roll", "particles_folding", "cathode_weld_particles", "anode_weld_particles",
        "cathode_burr_um", "anode_burr_um", "separator_fault",
    )  # fmt: skip
    writes = (PARTICLE,)
    spent = (
        "particles_in_roll", "particles_folding",
        *(
            f"{side}_{name}"
            for side in ("cathode", "anode")
            for name in ("gap_factor", "separator_distance_mm", "weld_depth_um", "weld_particles", "weld_rewelded")
        ),
    )  # fmt: skip
    """Columns that nobody reads afterwards: dropped."""

    class Params(Step.Params):
        """Canning, particles and the high-voltage test."""

        canning_fault_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.01, mature=0.001)
        """Of a cell: assumption."""
        smallest_particle_um: Annotated[float, Field(gt=0.0, le=1000.0)] = 10.0
        """Size from which `wind` counts particles: assumption."""
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
        can_material: str = "can"
        """Name of can and lid in `materials` (pieces)."""

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Can and test every cell."""
        from cellfab.kernels.inspection import raise_alarms
        from cellfab.kernels.particles import dry_severity, largest_particles

        params, columns = self.params, lot.columns
        lot.attributes["canned_cells"] = float(lot.n_alive)
        particle = np.empty(lot.n, np.float32)
        largest_particles(
            columns["particles_in_roll"], self._on_faces(lot), draws.uniform("face_particles", lot),
            draws.key("particles"), lot.identity,
            float(params.smallest_particle_um), float(params.pareto_exponent),
            float(self.at("face_to_roll_probability", maturity)),
            float(params.face_particle_um), math.log(params.face_particle_gsd), particle,
        )  # fmt: skip
        columns[PARTICLE] = particle

        lot.scrap(draws.uniform("fault", lot) < self.at("canning_fault_probability", maturity), CANNING_FAULT)
        severity = np.empty(lot.n, np.float32)
        dry_severity(
            particle, columns["cathode_burr_um"], columns["anode_burr_um"], columns["separator_fault"],
            float(self.design.separator_um), severity,
        )  # fmt: skip
        alarms = np.empty(lot.n, np.bool_)
        raise_alarms(
            severity, draws.uniform("high_voltage", lot), float(self.at("false_alarm_probability", maturity)),
            float(self.at("detection_probability", maturity)), float(params.detection_midpoint_fraction),
            float(params.detection_width_fraction), alarms,
        )  # fmt: skip
        lot.scrap(alarms, HIGH_VOLTAGE)
        for name in self.spent:
            columns.pop(name, None)
        return lot

    @staticmethod
    def _on_faces(lot: Lot) -> npt.NDArray[np.uint8]:
        """Particles lying on both faces of each roll, capped at 255."""
        total: npt.NDArray[np.uint8] = lot.columns["particles_folding"].copy()
        for side in ("cathode", "anode"):
            before = 255 - total
            total += np.minimum(lot.columns[f"{side}_weld_particles"], before)
        return total

    def work(self, lot: Lot, maturity: float) -> Work:
        """One can with lid for every cell that came."""
        return Work(materials={self.params.can_material: lot.attributes["canned_cells"]})
