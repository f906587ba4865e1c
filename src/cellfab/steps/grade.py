"""Grade: capacity and resistance are measured, cells are rejected or sorted, and the energy that is sold is counted.

What it models
    A capacity test with noise and tray temperature, a resistance test with noise, limits against the rated values,
    the last look and smell (scratches, dents, leaks). Two grades. True defects that got through are counted by
    mechanism: the same severity that earlier stages looked at, so escapes are correlated.
Equations
    Capacity read = Q (1 + noise z + 0.3 %/K x tray temperature error); resistance read = DCIR (1 + noise z). Rejected
    below the least capacity or above the most resistance, relative to the rated values; grade A within the narrower
    limits, else B. Energy = true capacity x nominal voltage.
Range
    Cells with `rated_capacity_ah` and `rated_dcir_mohm` in the lot's attributes (formation writes them).
Rows
    In and out: cells in trays. Adds capacity_measured_ah, dcir_measured_mohm, energy_wh, grade (0 rejected, 1 A, 2
    B). Facts in `attributes`: good_energy_kwh, grade_a_cells, grade_b_cells, and escapes_MECHANISM, cells sold with
    that defect; `escapes` counts each cell once. Dictates the time of a capacity cycle.
Left out
    Matching into racks, energy efficiency, capacity drift during ageing, drift of the testers between calibrations.
"""

from __future__ import annotations

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

CAPACITY_READ = column("capacity_measured_ah", "float32", "Ah", "measured capacity")
DCIR_READ = column("dcir_measured_mohm", "float32", "mohm", "measured direct-current resistance")
ENERGY = column("energy_wh", "float32", "Wh", "true capacity times nominal voltage")
GRADE = column("grade", "uint8", "1", "0 rejected, 1 grade A, 2 grade B")
REJECTED, GRADE_A, GRADE_B = 0, 1, 2
LOW_CAPACITY = cause("grade", "low_capacity", "capacity read below the least that is sold")
HIGH_DCIR = cause("grade", "high_dcir", "resistance read above the limit")
APPEARANCE = cause("grade", "appearance", "dent, scratch or leak found at the last look")

MECHANISMS = (
    "soft_short", "no_fusion", "burn_through", "separator_fault", "overhang", "under_wetted", "leak", "anode_limited",
)  # fmt: skip
"""Defects counted among the cells sold, as attributes escapes_MECHANISM."""


class Grade(Step):
    """Measure, reject and sort; see the module's text for the model."""

    name = "grade"
    reads = (
        "capacity_ah", "dcir_mohm", "short_siemens", "cathode_weld_unfused", "anode_weld_unfused", "cathode_weld_burnt",
        "anode_weld_burnt", "separator_fault", "overhang_mm", "unwetted_fraction", "leak", "tray_position",
        "cathode_areal_mah_per_cm2", "anode_areal_mah_per_cm2",
    )  # fmt: skip
    writes = (CAPACITY_READ, DCIR_READ, ENERGY, GRADE)

    class Params(Step.Params):
        """Tests and limits."""

        cycle_h: Annotated[float, Field(gt=0.0, le=100.0)] = 5.5
        """Capacity cycle at 0.33-0.5 C, 3-8 h: typical recipes."""
        capacity_noise_fraction: Annotated[Capability, within(0.0, 0.2)] = 0.0010
        """Of the tester, 1 sigma: 0.05-0.2 % typical of formation equipment."""
        tray_temperature_k: Annotated[Capability, within(0.0, 30.0)] = Ramped(start=1.5, mature=0.7)
        """Error of a tray's temperature, 1 sigma: assumption."""
        capacity_fraction_per_k: Annotated[float, Field(ge=0.0, le=0.1)] = 0.003
        """Of capacity with temperature, 0.2-0.5 %: typical of graphite cells."""
        dcir_noise_fraction: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.01, mature=0.007)
        """Contact and temperature, 1 sigma: assumption, 0.5-1 %."""
        least_capacity_fraction: Annotated[float, Field(ge=0.0, le=2.0)] = 0.96
        """Of the rated capacity, rejected below: assumption, for 0.6 % rejects on a mature line."""
        most_dcir_fraction: Annotated[float, Field(gt=0.0, le=100.0)] = 1.10
        """Of the rated resistance, rejected above: 1.10 for electric vehicles, 1.15-1.20 for storage: typical."""
        grade_a_capacity_fraction: Annotated[float, Field(ge=0.0, le=2.0)] = 0.98
        """Of the rated capacity, grade A from: assumption."""
        grade_a_dcir_fraction: Annotated[float, Field(gt=0.0, le=100.0)] = 1.07
        """Of the rated resistance, grade A up to: assumption."""
        appearance_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.015, mature=0.003)
        """Of a cell, rejected for its looks: assumption, 0.1-2 %."""
        leak_detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.3
        """That a leaking cell is found by weight or smell: assumption."""
        dry_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.02
        """Dry share from which a cell counts as under-wetted: assumption."""

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Measure, reject and sort every cell."""
        params, columns = self.params, lot.columns
        capacity = columns["capacity_ah"]
        position = columns["tray_position"]
        trays = int(position.max(initial=-1)) // int(lot.attributes["cells_per_tray"]) + 1
        warm_k = np.float32(self.at("tray_temperature_k", maturity)) * draws.normal("temperature", lot, max(trays, 1))
        tray = np.maximum(position, 0) // np.int32(lot.attributes["cells_per_tray"])
        noise = np.float32(self.at("capacity_noise_fraction", maturity)) * draws.normal("capacity", lot)
        noise += np.float32(params.capacity_fraction_per_k) * warm_k[tray]
        read_ah = capacity + capacity * noise
        contact = np.float32(self.at("dcir_noise_fraction", maturity)) * draws.normal("dcir", lot)
        read_mohm = columns["dcir_mohm"] * (np.float32(1.0) + contact)
        columns[CAPACITY_READ] = read_ah
        columns[DCIR_READ] = read_mohm
        columns[ENERGY] = capacity * np.float32(self.design.nominal_voltage_v)

        rated_ah, rated_mohm = lot.attributes["rated_capacity_ah"], lot.attributes["rated_dcir_mohm"]
        lot.scrap(read_ah < params.least_capacity_fraction * rated_ah, LOW_CAPACITY)
        lot.scrap(read_mohm > params.most_dcir_fraction * rated_mohm, HIGH_DCIR)
        u = draws.uniform("appearance", lot)
        found = u < self.at("appearance_probability", maturity)
        found |= (columns["leak"] > 0.0) & (u < self.at("leak_detection_probability", maturity))
        lot.scrap(found, APPEARANCE)

        good = lot.alive()
        first = (read_ah >= params.grade_a_capacity_fraction * rated_ah) & (
            read_mohm <= params.grade_a_dcir_fraction * rated_mohm
        )
        grade = np.where(first, np.uint8(GRADE_A), np.uint8(GRADE_B)) * good
        columns[GRADE] = grade
        facts = lot.attributes
        facts["grade_a_cells"] = float(np.count_nonzero(grade == GRADE_A))
        facts["grade_b_cells"] = float(np.count_nonzero(grade == GRADE_B))
        facts["good_energy_kwh"] = float(np.dot(columns[ENERGY], good.astype(np.float32))) * 1e-3
        self._count_escapes(lot, good)
        return lot

    def work(self, lot: Lot, maturity: float) -> Work:
        """Time of the capacity cycle."""
        return Work(seconds=3600.0 * self.params.cycle_h)

    def _count_escapes(self, lot: Lot, good: npt.NDArray[np.bool_]) -> None:
        columns, design = lot.columns, self.design
        anode_ah = columns["anode_areal_mah_per_cm2"] * np.float32(design.anode.area_m2)
        cathode_ah = columns["cathode_areal_mah_per_cm2"] * np.float32(design.cathode.area_m2)
        defects = (
            columns["short_siemens"] > 0.0,
            (columns["cathode_weld_unfused"] | columns["anode_weld_unfused"]) > 0,
            (columns["cathode_weld_burnt"] | columns["anode_weld_burnt"]) > 0,
            columns["separator_fault"] > 0,
            columns["overhang_mm"] < 0.0,
            columns["unwetted_fraction"] > self.params.dry_fraction,
            columns["leak"] > 0.0,
            anode_ah < cathode_ah,
        )
        any_defect = np.zeros(lot.n, np.bool_)
        for mechanism, defect in zip(MECHANISMS, defects, strict=True):
            sold = defect & good
            lot.attributes[f"escapes_{mechanism}"] = float(np.count_nonzero(sold))
            any_defect |= sold
        lot.attributes["escapes"] = float(np.count_nonzero(any_defect))
