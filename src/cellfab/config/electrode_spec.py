"""One electrode of a cell, as designed: what is written, and what follows from it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cellfab.config.spec import Spec

Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]

_ROUNDING = 1e-12
"""A share of the coating below this is what adding up decimals leaves over."""

FOIL_G_PER_CM3 = {"al": 2.70, "cu": 8.96}
"""Density of the foils (CRC Handbook of Chemistry and Physics)."""


class ElectrodeDesign(Spec):
    """One electrode as it goes into the cell: pieces of foil coated on both sides."""

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
    """Of one piece, along the web."""
    width_mm: Positive
    """Coated width of one piece, across the web: the height of a roll, one side of a sheet."""
    margin_mm: NonNegative = 0.0
    """Uncoated foil margin that becomes the flags or tabs."""
    pieces: Annotated[int, Field(ge=1, le=2000)] = 1
    """Pieces of this length and width in one cell: jelly rolls of a wound cell, sheets of a stack."""

    @model_validator(mode="after")
    def _possible(self) -> ElectrodeDesign:
        if self.active_fraction + self.binder_fraction > 1.0 + _ROUNDING:
            raise ValueError(
                f"active_fraction {self.active_fraction:g} and binder_fraction {self.binder_fraction:g}"
                " add up to more than 1"
            )
        if not 0.0 < self.porosity < 1.0:
            raise ValueError(
                f"porosity 1 - press_density/solid_density = 1 - {self.press_density_g_per_cm3:g}/"
                f"{self.solid_density_g_per_cm3:g} = {self.porosity:.3f} is not between 0 and 1"
            )
        return self

    @property
    def carbon_fraction(self) -> float:
        """Conductive carbon share of the coating; 0 where active material and binder are all of it."""
        rest = 1.0 - self.active_fraction - self.binder_fraction
        return rest if rest > _ROUNDING else 0.0

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
    def piece_area_m2(self) -> float:
        """Coated area of one piece (one segment of the web), both sides, m2."""
        return 2.0 * self.length_m * self.width_mm * 1e-3

    @property
    def piece_coating_kg(self) -> float:
        """Dry coating of one piece, kg."""
        return self.loading_mg_per_cm2 * self.piece_area_m2 * 1e4 * 1e-6

    @property
    def area_m2(self) -> float:
        """Coated area of one cell, both sides, m2."""
        return self.pieces * self.piece_area_m2

    @property
    def foil_area_m2(self) -> float:
        """Foil of one cell including the bare margin, m2."""
        return self.pieces * self.length_m * (self.width_mm + self.margin_mm) * 1e-3

    @property
    def foil_kg(self) -> float:
        """Foil of one cell including the bare margin, kg."""
        return self.foil_area_m2 * self.foil_um * 1e-3 * FOIL_G_PER_CM3[self.foil]

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
        return self.pieces * self.piece_coating_kg
