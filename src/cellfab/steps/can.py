"""Can: the welded roll goes into its can, which is beaded, crimped and tested for shorts while still dry.

What it models
    Canning faults, all noticed. What ended up between the electrodes: the largest of the particles wound in, and of
    those on the faces that find their way in. A high-voltage test of the dry cell, which sees particles, burrs and
    separator faults by their size against the separator, and now and then rejects a sound cell.
Equations
    Largest of N Pareto sizes by inversion, d_0 (1 - u^(1/N))^(-1/m); of k particles on the faces one gets in with
    probability 1 - (1 - t)^k, size lognormal. Severity x = max(particle / (1.5 separator), burr / separator if above
    0.7, 1.5 for a faulty separator); detection f + (1 - f) c / (1 + exp(-(x - x_0) / w)).
Range
    Cells without electrolyte; separators of 3-60 um; at most 255 particles of a kind per cell.
Rows
    In and out: cells. Adds particle_um (um; 0: none); drops the columns of welding and folding that nobody reads
    afterwards. Facts in `attributes`: canned_cells, cells that came; false_rejects, sound cells that alarmed.
Left out
    Can and bead geometry, insertion force against roll diameter, terminal weld, partial discharge at the voltage's
    rise, particles made by canning.
Sources
    Sizes: counts of technical-cleanliness tests (ISO 14644-1 scales with a power of the size). Test: hit/miss curves
    as in MIL-HDBK-1823A (2009); its values and the rates are assumptions.
"""

from __future__ import annotations

from typing import Annotated

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core.causes import cause
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.steps.base import Work
from cellfab.steps.dry_cell import DryCell

CANNING_FAULT = cause("can", "canning_fault", "damage at insertion, beading or crimping")
HIGH_VOLTAGE = cause("can", "high_voltage", "current in the high-voltage test of the dry cell")


class Can(DryCell):
    """Can and test; see the module's text for the model."""

    name = "can"
    on_faces = ("particles_folding", "cathode_weld_particles", "anode_weld_particles")
    reads = (*DryCell.reads, *on_faces)
    spent = (
        "particles_in_roll", "particles_folding",
        *(
            f"{side}_{name}"
            for side in ("cathode", "anode")
            for name in ("gap_factor", "separator_distance_mm", "weld_depth_um", "weld_particles")
        ),
    )  # fmt: skip
    """Columns that nobody reads afterwards: dropped."""

    class Params(DryCell.Params):
        """Canning, particles and the high-voltage test."""

        canning_fault_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.01, mature=0.001)
        """Of a cell: assumption."""
        can_material: str = "can"
        """Name of can and lid in `materials` (pieces)."""

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Can and test every cell."""
        lot.attributes["canned_cells"] = float(lot.n_alive)
        self.test_dry(
            lot, draws, maturity, HIGH_VOLTAGE, fault_cause=CANNING_FAULT,
            fault_probability=self.at("canning_fault_probability", maturity),
        )  # fmt: skip
        for name in self.spent:
            lot.columns.pop(name, None)
        return lot

    def work(self, lot: Lot, maturity: float) -> Work:
        """One can with lid for every cell that came."""
        return Work(materials={self.params.can_material: lot.attributes["canned_cells"]})
