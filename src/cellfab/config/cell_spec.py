"""The cell to make: what is designed is written, what follows from it is derived here and nowhere else."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cellfab.config.spec import Spec

Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]


class ElectrodeDesign(Spec):
    """One electrode as wound into the cell: foil coated on both sides."""

    active_material: str
    """Name of the active powder in `materials`."""
    loading_mg_per_cm2: Annotated[float, Field(gt=1.0, lt=80.0)]
    """Dry coating per side."""
    active_fraction: Fraction
    binder_fraction: Fraction
    """PTFE (and co-binder) share of the coating; the rest to 1 is conductive carbon."""
    capacity_mah_per_g: Annotated[float, Field(gt=20.0, lt=2000.0)]
    """Usable specific capacity of the active material in the cell."""
    press_density_g_per_cm3: Annotated[float, Field(gt=0.3, lt=6.0)]
    solid_density_g_per_cm3: Annotated[float, Field(gt=0.5, lt=8.0)]
    foil: Literal["al", "cu"]
    foil_um: Annotated[float, Field(gt=2.0, lt=50.0)]
    length_m: Positive
    width_mm: Positive
    """Coated width (axial, along the roll's height)."""
    margin_mm: NonNegative = 0.0
    """Uncoated foil margin that becomes the tabless flags."""

    @model_validator(mode="after")
    def _possible(self) -> ElectrodeDesign:
        if self.active_fraction + self.binder_fraction > 1.0:
            raise ValueError("active_fraction and binder_fraction add up to more than 1")
        if not 0.0 < self.porosity < 1.0:
            raise ValueError(f"porosity 1 - press_density/solid_density = {self.porosity:.3f} is not between 0 and 1")
        return self

    @property
    def carbon_fraction(self) -> float:
        """Conductive carbon share of the coating."""
        return 1.0 - self.active_fraction - self.binder_fraction

    @property
    def porosity(self) -> float:
        """1 - press density / solid density."""
        return 1.0 - self.press_density_g_per_cm3 / self.solid_density_g_per_cm3

    @property
    def coating_um(self) -> float:
        """Thickness of one coated side, um (mg/cm2 over g/cm3, times 10)."""
        return 10.0 * self.loading_mg_per_cm2 / self.press_density_g_per_cm3

    @property
    def thickness_um(self) -> float:
        """Both coatings and the foil, um."""
        return 2.0 * self.coating_um + self.foil_um

    @property
    def area_m2(self) -> float:
        """Coated area of one cell, both sides, m2."""
        return 2.0 * self.length_m * self.width_mm * 1e-3

    @property
    def foil_area_m2(self) -> float:
        """Foil of one cell including the bare margin, m2."""
        return self.length_m * (self.width_mm + self.margin_mm) * 1e-3

    @property
    def areal_capacity_mah_per_cm2(self) -> float:
        """Per side."""
        return self.loading_mg_per_cm2 * 1e-3 * self.active_fraction * self.capacity_mah_per_g

    @property
    def capacity_ah(self) -> float:
        """Capacity of the electrode of one cell, Ah."""
        return self.areal_capacity_mah_per_cm2 * self.area_m2 * 1e4 * 1e-3

    @property
    def coating_kg(self) -> float:
        """Dry coating of one cell, kg."""
        return self.loading_mg_per_cm2 * self.area_m2 * 1e4 * 1e-6


class CellDesign(Spec):
    """Format, electrode pair and what is filled in. Areas, masses and energy are derived."""

    chemistry: Literal["nmc811", "lfp", "nfpp", "layered_na"]
    format: str
    nominal_voltage_v: Annotated[float, Field(gt=1.0, lt=6.0)]
    lower_voltage_v: Positive
    upper_voltage_v: Positive
    cathode: ElectrodeDesign
    anode: ElectrodeDesign
    separator_um: Annotated[float, Field(gt=3.0, lt=60.0)]
    separator_width_mm: Positive
    electrolyte_g_per_ah: Positive
    can_outer_diameter_mm: Positive
    can_height_mm: Positive
    can_wall_mm: Positive
    core_diameter_mm: Positive
    can_and_lid_kg: Positive
    collector_disc_cu_mm: NonNegative
    collector_disc_al_mm: NonNegative
    first_cycle_efficiency: Fraction
    """Of the full cell: formation discharge over formation charge."""

    @model_validator(mode="after")
    def _possible(self) -> CellDesign:
        if self.np_ratio < 1.0:
            raise ValueError(f"N/P ratio {self.np_ratio:.3f} is below 1: the anode cannot take the cathode's lithium")
        if self.roll_diameter_mm > self.can_inner_diameter_mm:
            raise ValueError(
                f"the jelly roll ({self.roll_diameter_mm:.1f} mm) does not fit the can"
                f" ({self.can_inner_diameter_mm:.1f} mm inside): shorten the electrodes or thin the coatings"
            )
        if not self.lower_voltage_v < self.nominal_voltage_v < self.upper_voltage_v:
            raise ValueError("need lower_voltage_v < nominal_voltage_v < upper_voltage_v")
        return self

    @property
    def np_ratio(self) -> float:
        """Areal anode capacity over areal cathode capacity."""
        return self.anode.areal_capacity_mah_per_cm2 / self.cathode.areal_capacity_mah_per_cm2

    @property
    def can_inner_diameter_mm(self) -> float:
        """Room for the roll, mm."""
        return self.can_outer_diameter_mm - 2.0 * self.can_wall_mm

    @property
    def roll_diameter_mm(self) -> float:
        """Outer diameter of the wound roll from its cross-section: pi/4 (D^2 - d^2) = sum of length x thickness."""
        section_mm2 = (
            self.cathode.length_m * self.cathode.thickness_um
            + self.anode.length_m * self.anode.thickness_um
            + 2.0 * self.separator_length_m * self.separator_um
        )
        return math.sqrt(self.core_diameter_mm**2 + 4.0 / math.pi * section_mm2)

    @property
    def separator_length_m(self) -> float:
        """Length of each of the two separator webs: the anode's, with 3 % for core and outer wraps (assumption)."""
        return 1.03 * self.anode.length_m

    @property
    def separator_area_m2(self) -> float:
        """Both separators of one cell, m2."""
        return 2.0 * self.separator_length_m * self.separator_width_mm * 1e-3

    @property
    def capacity_ah(self) -> float:
        """Nominal capacity: `capacity_mah_per_g` is what the cathode gives in the cell, after the first cycle."""
        return self.cathode.capacity_ah

    @property
    def energy_wh(self) -> float:
        """Nominal energy of one cell, Wh."""
        return self.capacity_ah * self.nominal_voltage_v

    @property
    def electrolyte_kg(self) -> float:
        """Electrolyte filled, kg."""
        return self.electrolyte_g_per_ah * self.capacity_ah * 1e-3
