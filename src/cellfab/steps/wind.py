"""Winding: cathode, anode and two separators become jelly rolls; the electrode branches of the line end here.

What it models
    Lane by lane, the k-th good cathode segment meets the k-th good anode segment; leaders and tails are lost, and
    what is left of the longer roll is a remnant. Overhang of the anode over both edges and all turns, seen by X-ray
    with a gauge error. Separator faults (folds, pinholes), seen by a camera with a limited probability. Particles
    that fall between the electrodes. Plain winding faults (misfeeds, telescoped cores, broken webs), all of which are
    noticed.
Equations
    Overhang = (anode width - cathode width) / 2 (as slit) - |drift| + layer noise at its lowest of both edges of
    every turn; turns = length / mean circumference. Rejected if overhang + N(0, gauge) is below the limit. Areal
    capacity = loading x active fraction x specific capacity. Particles ~ Poisson(density x cathode area), and one
    more for each electrode with a flawed notch edge.
Range
    Wound rolls with two open ends; any number of lanes; the two webs may differ in length, not in lanes.
Rows
    In: electrode segments, lane-major (columns named in `reads`). Out: cells; unit cells. Every cell knows its
    parents' rows (cathode_row, anode_row), through which it inherits its electrodes' columns. Facts in `attributes`:
    cathode_remnant_cells and anode_remnant_cells (good segments not used), and their dry coating in kg.
Left out
    Web tension and its waves, core collapse by tension, tape adhesion, separator shrinkage, curvature of the first
    turns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core.causes import cause
from cellfab.core.columns import COLUMNS, column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.steps.base import Merge, Work

_INHERITED = {
    # column of a segment: type, unit and meaning on the cell, and the electrodes for which a later step asks
    "loading_mg_per_cm2": ("float32", "mg/cm2", "true dry coating per side of the cell's {}", ("anode",)),
    "binder_fraction": ("float32", "1", "true mass fraction of binder in the coating of the cell's {}", ("anode",)),
    "porosity": ("float32", "1", "true porosity of the cell's {}", ("cathode", "anode")),
    "moisture_ppm": ("float32", "ppm", "true water content of the cell's {}", ("cathode", "anode")),
    "burr_um": ("float32", "um", "true height of the highest burr on the cell's {}", ("cathode", "anode")),
}
_AREAL = tuple(
    column(f"{electrode}_areal_mah_per_cm2", "float32", "mAh/cm2", f"true areal capacity per side, {electrode}")
    for electrode in ("cathode", "anode")
)
CATHODE_ROW = column("cathode_row", "int32", "1", "row of the cell's cathode in its parent lot")
ANODE_ROW = column("anode_row", "int32", "1", "row of the cell's anode in its parent lot")
OVERHANG = column("overhang_mm", "float32", "mm", "true smallest distance by which the anode's edge stands out")
SEPARATOR_FAULT = column("separator_fault", "uint8", "1", "1 where the separator is folded, pierced or scorched")
PARTICLES = column("particles_in_roll", "uint8", "1", "particles wound in between the electrodes")
_WOUND = (OVERHANG, SEPARATOR_FAULT, PARTICLES)
FROM_ELECTRODES = tuple(
    column(f"{electrode}_{name}", dtype, unit, text.format(electrode))
    for name, (dtype, unit, text, electrodes) in _INHERITED.items()
    for electrode in electrodes
)

WINDING_FAULT = cause("wind", "winding_fault", "misfeed, telescoped core or broken web during winding")
OVERHANG_READ = cause("wind", "overhang", "X-ray reads too little anode overhang")
FOLD_SEEN = cause("wind", "separator_fault", "camera sees a fold or hole in the separator")


class Wind(Merge):
    """Wind jelly rolls; see the module's text for the model."""

    name = "wind"
    takes = ("cathode", "anode", "separator")
    reads = (*_INHERITED, "active_fraction", "specific_capacity_mah_per_g", "width_mm", "notch_flaw")
    writes = (CATHODE_ROW, ANODE_ROW, OVERHANG, SEPARATOR_FAULT, PARTICLES, *FROM_ELECTRODES, *_AREAL)

    class Params(Merge.Params):
        """Alignment, cleanliness and inspection of the winder."""

        roll_loss_m: Annotated[float, Field(ge=0.0, le=100.0)] = 6.0
        """Leader and tail lost per daughter roll: assumption, 2-15."""
        alignment_sd_mm: Annotated[Capability, within(0.0, 5.0)] = Ramped(start=0.15, mature=0.08)
        """Layer to layer; stacking guides give +-0.25 mm as 3 sigma (PEM RWTH and VDMA, Production Process of a
        Lithium-Ion Battery Cell, 2018)."""
        drift_sd_mm: Annotated[Capability, within(0.0, 5.0)] = Ramped(start=0.15, mature=0.08)
        """Telescoping of a whole roll: assumption, 0.03-0.15 on a mature line."""
        overhang_limit_mm: Annotated[float, Field(ge=-5.0, le=5.0)] = 0.2
        """Least overhang read on the X-ray image: assumption."""
        overhang_gauge_mm: Annotated[Capability, within(0.0, 1.0)] = 0.05
        """Error of the X-ray gauge, 1 sigma: assumption."""
        winding_fault_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.05, mature=0.004)
        """Of a cell: assumption; winding yields of 0.993 mature (cell-cost models use 0.995) and 0.93 in a first
        month."""
        separator_fault_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=3e-4, mature=2e-5)
        """Of a cell: assumption."""
        separator_detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.5
        """That the camera sees it: assumption."""
        camera_false_alarm_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=2e-3, mature=2e-4)
        """That the camera rejects a sound roll: assumption."""
        particles_per_m2: Annotated[Capability, within(0.0, 1e4)] = Ramped(start=0.05, mature=0.005)
        """Above 10 um, falling between the electrodes up to here, per coated cathode area: assumption."""
        separator_material: str = "separator"
        """Name of the separator in `materials` (m2)."""
        tape_material: str = "tape"
        """Name of the closing tape in `materials` (pieces)."""
        tapes: Annotated[int, Field(ge=0, le=10)] = 1
        """Closing tapes per cell."""

    def merge(self, lots: Mapping[str, Lot], draws: Draws, maturity: float) -> Lot:
        """Wind one cathode lot with one anode lot."""
        from cellfab.kernels import winding

        cathode, anode = lots["cathode"], lots["anode"]
        cathode_row, anode_row = self._pairs(cathode, anode)
        n = cathode_row.size
        others = tuple(lot for lot in lots.values() if lot is not cathode)
        child = cathode.child(draws.owner, n=n, unit="cells", amount=float(n), material="cell", others=others)
        child.columns = {CATHODE_ROW: cathode_row, ANODE_ROW: anode_row}
        centred_mm = np.zeros(n, np.float32)
        flaws = np.zeros(n, np.uint8)
        for lot, row, areal, sign in zip((cathode, anode), (cathode_row, anode_row), _AREAL, (-0.5, 0.5), strict=True):
            segment = lot.columns
            for source, (_, _, _, electrodes) in _INHERITED.items():
                if lot.material in electrodes:
                    values = child.columns[f"{lot.material}_{source}"] = np.empty(n, np.float32)
                    winding.gather(segment[source], row, values)
            child.columns[areal] = np.empty(n, np.float32)
            wound = winding.inherit(
                row, segment["loading_mg_per_cm2"], segment["active_fraction"], segment["specific_capacity_mah_per_g"],
                segment["width_mm"], segment["notch_flaw"], sign, child.columns[areal], centred_mm, flaws,
            )  # fmt: skip
            self._count_remnant(child, lot, wound)
        child.attributes["wound_cells"] = float(n)
        self._wind(child, centred_mm, flaws, draws, maturity)
        child.amount = float(child.n_alive)
        return child

    def work(self, lot: Lot, maturity: float) -> Work:
        """Separator and tape of every roll wound, rejected ones included."""
        wound = lot.attributes["wound_cells"]
        materials = {self.params.separator_material: wound * self.design.separator_area_m2}
        if self.params.tapes:
            materials[self.params.tape_material] = wound * self.params.tapes
        return Work(materials=materials)

    def _pairs(self, cathode: Lot, anode: Lot) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        from cellfab.kernels.winding import pair_segments

        lanes = int(cathode.attributes["lanes"])
        if lanes != int(anode.attributes["lanes"]):
            raise ConfigError(
                f"cathode rolls have {lanes} lanes and anode rolls {int(anode.attributes['lanes'])}:"
                " winders take one daughter roll of each"
            )
        longest = min(cathode.n, anode.n)
        cathode_row = np.empty(longest, np.int32)
        anode_row = np.empty(longest, np.int32)
        cathode_skip = math.ceil(self.params.roll_loss_m / self.design.cathode.length_m)
        anode_skip = math.ceil(self.params.roll_loss_m / self.design.anode.length_m)
        pairs = pair_segments(
            cathode.alive(), anode.alive(), max(lanes, 1), cathode_skip, anode_skip, cathode_row, anode_row
        )
        return cathode_row[:pairs].copy(), anode_row[:pairs].copy()

    def _count_remnant(self, child: Lot, lot: Lot, wound_mg_per_cm2: float) -> None:
        """Good segments without a partner, and the dry coating wound and left over."""
        from cellfab.kernels.winding import sum_of_good

        name = lot.material
        per_kg = 0.01 * getattr(self.design, name).piece_area_m2  # mg/cm2 on the area of one electrode, kg
        good_mg_per_cm2 = sum_of_good(lot.columns["loading_mg_per_cm2"], lot.alive())
        child.attributes[f"{name}_remnant_cells"] = float(lot.n_alive - child.n)
        child.attributes[f"{name}_remnant_kg"] = (good_mg_per_cm2 - wound_mg_per_cm2) * per_kg
        child.attributes[f"{name}_wound_kg"] = wound_mg_per_cm2 * per_kg

    def _wind(
        self, child: Lot, centred_mm: npt.NDArray[np.float32], flaws: npt.NDArray[np.uint8], draws: Draws,
        maturity: float,
    ) -> None:  # fmt: skip
        from cellfab.kernels.extremes import lowest_of
        from cellfab.kernels.winding import WinderLaw, wind_rolls

        params, design = self.params, self.design
        edges = 2.0 * design.roll_turns
        false_alarm = float(self.at("camera_false_alarm_probability", maturity))
        detected = self.at("separator_detection_probability", maturity)
        law = WinderLaw(
            drift_sd_mm=float(self.at("drift_sd_mm", maturity)),
            alignment_sd_mm=float(self.at("alignment_sd_mm", maturity)),
            overhang_limit_mm=float(params.overhang_limit_mm),
            gauge_mm=float(self.at("overhang_gauge_mm", maturity)),
            fault=float(self.at("winding_fault_probability", maturity)),
            separator_fault=float(self.at("separator_fault_probability", maturity)),
            camera_false_alarm=false_alarm,
            camera_seen=false_alarm + (1.0 - false_alarm) * detected,
            particles=self.at("particles_per_m2", maturity) * design.cathode.area_m2,
        )
        lowest = lowest_of(draws.normal("layers", child), max(edges, 1.0))
        z = draws.normals(("drift", "x_ray"), child)
        u = draws.uniforms(("fault", "separator", "particles", "camera"), child)
        overhang, fault, particles = (np.empty(child.n, COLUMNS[name].dtype) for name in _WOUND)
        reason = np.empty(child.n, np.uint8)
        wind_rolls(law, z, u, lowest, centred_mm, flaws, overhang, fault, particles, reason)
        child.scrap_each(reason, (WINDING_FAULT, OVERHANG_READ, FOLD_SEEN))
        child.columns.update(zip(_WOUND, (overhang, fault, particles), strict=True))
