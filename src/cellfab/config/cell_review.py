"""What somebody who knows cells would say about a design that is possible: values outside what is published.

The ranges hold for any chemistry; they are wide on purpose. A value outside is no error, but a slip or a bold design.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from cellfab.config.package_spec import Roll
from cellfab.config.remark import Remark

if TYPE_CHECKING:
    from cellfab.config.cell_spec import CellDesign
    from cellfab.config.electrode_spec import ElectrodeDesign


class Usual(NamedTuple):
    """A published range."""

    low: float
    high: float
    hint: str


LOADING = {
    "cathode": Usual(8.0, 40.0, "wet-coated cathodes have 10-30 mg/cm2, dry films reach 40"),
    "anode": Usual(4.0, 22.0, "graphite and hard carbon have 5-20 mg/cm2"),
}
"""Per side, mg/cm2: BatPaC v5 averages 24 and 16; Chen et al. 2020 (24.7 and 14.9); upper ends an assumption."""
COATING_UM = Usual(30.0, 150.0, "coatings are 40-130 um per side")
"""Power cells to thick dry films; the 78 Ah pouch of pmc.ncbi.nlm.nih.gov/articles/PMC9879955 has 87 um."""
POROSITY = Usual(0.18, 0.50, "pressed electrodes have 0.2-0.5: below, ions do not pass; above, particles lose contact")
"""NMC 0.20-0.28, LFP 0.25-0.32, graphite 0.25-0.35, hard carbon 0.35-0.50 (batteries 6 (2020) 23; assumption)."""
NP_RATIO = Usual(1.02, 1.30, "cells have 1.04-1.2: below, the spread of loadings plates; above, anode is wasted")
"""1.04 in the pouch of PMC9879955; 1.12 in storage cells (assumption)."""
BINDER = Usual(0.005, 0.06, "binders are 1-5 % of a coating")
"""Wet 1-4 %; dry 1-5 % (dry-electrode patents of Maxwell and LGES)."""
ACTIVE = Usual(0.88, 0.985, "coatings are 0.90-0.98 active material")
"""Assumption."""
ELECTROLYTE = Usual(1.1, 8.0, "cells take 1.2 (EV) to 7 g/Ah (sodium)")
"""batterydesign.net electrolyte-fill-requirements: 1.2-2.0; large LFP 2.8-4 and NFPP 4.5-7 are assumptions."""
FILLED = Usual(0.6, 0.98, "dry electrodes fill 0.7-0.95 of the room; graphite swells by about a tenth")
"""Share of the room's thickness (of the cross-section in a round can): assumption."""


def review(design: CellDesign) -> Iterator[Remark]:
    """Warnings about a design's electrodes, balance, filling and room, in this order."""
    for name, electrode in (("cathode", design.cathode), ("anode", design.anode)):
        yield from _of_electrode(name, electrode)
    path = "design.anode.loading_mg_per_cm2"
    yield from _unusual(path, "N/P ratio by design", design.np_ratio, ".3f", NP_RATIO)
    path = "design.electrolyte_g_per_ah"
    yield from _unusual(path, "electrolyte", design.electrolyte_g_per_ah, "g", ELECTROLYTE, " g/Ah")
    yield from _unusual("design.package", "filled share of the room inside", filled_share(design), ".3f", FILLED)
    if design.cathode.foil == "cu":
        yield Remark(
            "design.cathode.foil", "copper foil under a cathode dissolves at its potential", hint="cathodes are on al"
        )


def filled_share(design: CellDesign) -> float:
    """Share of the room's thickness that electrodes fill; in a round can, of the cross-section, the core included."""
    contents, package = design.contents, design.package
    if package.format == "cylindrical":
        assert isinstance(contents, Roll)  # a stack does not fit
        return (package.roll_diameter_mm(contents.section_mm2) / package.inner_diameter_mm) ** 2
    if isinstance(contents, Roll):
        thickness_mm = contents.rolls * package.room.roll_thickness_mm(contents.section_mm2)
    else:
        thickness_mm = contents.thickness_mm
    return thickness_mm / package.room.thickness_mm


def _of_electrode(name: str, electrode: ElectrodeDesign) -> Iterator[Remark]:
    at = f"design.{name}"
    loading = electrode.loading_mg_per_cm2
    yield from _unusual(f"{at}.loading_mg_per_cm2", f"{name} loading", loading, "g", LOADING[name], " mg/cm2")
    density_at = f"{at}.press_density_g_per_cm3"
    yield from _unusual(density_at, f"{name} porosity by design", electrode.porosity, ".3f", POROSITY)
    yield from _unusual(density_at, f"{name} coating thickness", electrode.coating_um, ".0f", COATING_UM, " um")
    yield from _unusual(f"{at}.binder_fraction", f"{name} binder fraction", electrode.binder_fraction, "g", BINDER)
    yield from _unusual(f"{at}.active_fraction", f"{name} active fraction", electrode.active_fraction, "g", ACTIVE)


def _unusual(about: str, what: str, value: float, form: str, usual: Usual, unit: str = "") -> Iterator[Remark]:
    if not usual.low <= value <= usual.high:
        side = "below" if value < usual.low else "above"
        limit = usual.low if value < usual.low else usual.high
        yield Remark(about, f"{what} of {value:{form}}{unit} is {side} {limit:g}{unit}", hint=usual.hint)
