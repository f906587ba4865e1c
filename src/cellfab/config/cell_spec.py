"""The cell to make: what is designed is written, what follows from it is derived here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, model_validator

from cellfab.config import cell_review
from cellfab.config.electrode_spec import ElectrodeDesign, Fraction, Positive
from cellfab.config.package_spec import Contents, CylindricalPackage, Package, Roll, Stack
from cellfab.config.remark import Remark
from cellfab.config.spec import Spec

__all__ = ["CellDesign", "ElectrodeDesign"]

_SEPARATOR_G_PER_CM3 = 0.75
"""Coated polyolefin of 40 % porosity: assumption, 0.55 bare and 1 with a thick ceramic layer."""
_SEPARATOR_POROSITY = 0.40
"""Typical of coated polyolefin, 0.35-0.5: separator data sheets."""
_OUTER_WRAPS = 1.03
"""Separator for core and outer wraps, relative to what lies between the electrodes: assumption."""


class CellDesign(Spec):
    """Package, electrode pair and what is filled in. Areas, masses and energy are derived.

    As many anode as cathode pieces are wound, each pair into a jelly roll of its own; one anode piece more makes a
    stack that begins and ends with an anode.
    """

    chemistry: str
    """A label: what the chemistry is stands in the electrodes, materials and voltages."""
    package: Package
    nominal_voltage_v: Annotated[float, Field(gt=1.0, lt=6.0)]
    lower_voltage_v: Positive
    upper_voltage_v: Positive
    cathode: ElectrodeDesign
    anode: ElectrodeDesign
    separator_um: Annotated[float, Field(gt=3.0, lt=60.0)]
    separator_width_mm: Positive
    electrolyte_g_per_ah: Positive
    first_cycle_efficiency: Fraction
    """Of the full cell: formation discharge over formation charge."""

    @model_validator(mode="after")
    def _possible(self) -> CellDesign:
        if self.np_ratio < 1.0:
            raise ValueError(
                f"N/P ratio {self.np_ratio:.3f} is below 1: the anode ({self.anode.areal_capacity_mah_per_cm2:.2f}"
                f" mAh/cm2) cannot take what the cathode ({self.cathode.areal_capacity_mah_per_cm2:.2f} mAh/cm2) gives"
            )
        if self.anode.pieces - self.cathode.pieces not in (0, 1):
            raise ValueError(
                f"{self.cathode.pieces} cathode and {self.anode.pieces} anode pieces: wound cells need as many of each,"
                " stacks one anode more"
            )
        misfit = self.package.misfit(self.contents)
        if misfit is not None:
            raise ValueError(misfit)
        if not self.lower_voltage_v < self.nominal_voltage_v < self.upper_voltage_v:
            raise ValueError(
                f"need lower_voltage_v < nominal_voltage_v < upper_voltage_v, but they are {self.lower_voltage_v:g},"
                f" {self.nominal_voltage_v:g} and {self.upper_voltage_v:g} V"
            )
        return self

    @property
    def stacked(self) -> bool:
        """A stack of sheets, not wound."""
        return self.anode.pieces == self.cathode.pieces + 1

    @property
    def contents(self) -> Contents:
        """Outline of what goes into the package."""
        cathode, anode = self.cathode, self.anode
        if self.stacked:
            layers_um = (
                cathode.pieces * cathode.thickness_um
                + anode.pieces * anode.thickness_um
                + self.separator_layers * self.separator_um
            )
            return Stack(1e-3 * layers_um, (1e3 * anode.length_m, max(self.separator_width_mm, anode.width_mm)))
        return Roll(self.roll_section_mm2, self.separator_width_mm, anode.pieces)

    @property
    def roll_section_mm2(self) -> float:
        """Cross-section of the layers of one jelly roll, mm2."""
        return (
            self.cathode.length_m * self.cathode.thickness_um
            + self.anode.length_m * self.anode.thickness_um
            + 2.0 * self.separator_length_m * self.separator_um
        )

    @property
    def roll_turns(self) -> float:
        """Turns of the anode in one jelly roll."""
        return self.package.turns(self.anode.length_m, self.roll_section_mm2)

    def collector_disc_mm(self, foil: str) -> float:
        """Thickness of the disc that is welded on the bare ends of this foil, mm; 0 in packages without."""
        package = self.package
        if not isinstance(package, CylindricalPackage):
            return 0.0
        return package.collector_disc_cu_mm if foil == "cu" else package.collector_disc_al_mm

    @property
    def np_ratio(self) -> float:
        """Areal anode capacity over areal cathode capacity."""
        return self.anode.areal_capacity_mah_per_cm2 / self.cathode.areal_capacity_mah_per_cm2

    @property
    def separator_layers(self) -> int:
        """Layers of a stack: between all sheets and on both outsides."""
        return self.cathode.pieces + self.anode.pieces + 1

    @property
    def separator_length_m(self) -> float:
        """Length of each of the two webs of a jelly roll, or of one layer of a stack: the anode's, with 3 % besides."""
        return _OUTER_WRAPS * self.anode.length_m

    @property
    def separator_area_m2(self) -> float:
        """All separator of one cell, m2."""
        layers = self.separator_layers if self.stacked else 2 * self.anode.pieces
        return layers * self.separator_length_m * self.separator_width_mm * 1e-3

    @property
    def capacity_ah(self) -> float:
        """Nominal capacity: `capacity_mah_per_g` is what the cathode gives in the cell, after the first cycle."""
        return self.cathode.capacity_ah

    @property
    def energy_wh(self) -> float:
        """Nominal energy of one cell, Wh."""
        return self.capacity_ah * self.nominal_voltage_v

    @property
    def energy_wh_per_l(self) -> float:
        """Nominal energy over the volume of the package's outline, Wh/L."""
        return self.energy_wh / self.package.volume_l

    @property
    def electrolyte_kg(self) -> float:
        """Electrolyte filled, kg."""
        return self.electrolyte_g_per_ah * self.capacity_ah * 1e-3

    @property
    def pore_volume_ml(self) -> float:
        """Volume of all pores of electrodes and separator, mL: as much electrolyte is needed at least."""
        coatings_m3 = sum(one.area_m2 * one.coating_um * 1e-6 * one.porosity for one in (self.cathode, self.anode))
        separator_m3 = self.separator_area_m2 * self.separator_um * 1e-6 * _SEPARATOR_POROSITY
        return 1e6 * (coatings_m3 + separator_m3)

    @property
    def mass_kg(self) -> float:
        """Mass of the finished cell, kg."""
        separator_kg = self.separator_area_m2 * self.separator_um * 1e-3 * _SEPARATOR_G_PER_CM3
        electrodes_kg = sum(one.coating_kg + one.foil_kg for one in (self.cathode, self.anode))
        return electrodes_kg + separator_kg + self.electrolyte_kg + self.package.parts_kg

    def review(self) -> Iterator[Remark]:
        """What is possible but outside of what is published: warnings, never errors."""
        yield from cell_review.review(self)
