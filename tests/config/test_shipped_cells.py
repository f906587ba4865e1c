"""The shipped cells against published figures, and against the reference designs that they are made from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cellfab.config import cell_review
from cellfab.config.cell_spec import CellDesign
from cellfab.config.library import lookup, parts
from cellfab.config.loader import check, load
from cellfab.config.materials_spec import Material

CELLS = [name for name in parts() if name.startswith("cells/")]

REFERENCE = {
    # Ah, Wh, m2/kWh one side, kg/kWh cathode and anode, N/P, um per side, porosity of the cathode
    "4680_nmc811_dry": (22.9, 85.0, 5.6, 1.44, 0.87, 1.08, (74, 98), 0.24),
    "lfp_long_pouch": (146.0, 467.0, 10.0, 2.21, 1.01, 1.10, (88, 65), 0.28),
    "lfp_314ah_prismatic": (314.0, 1005.0, 10.7, 2.19, 1.02, 1.12, (79, 59), 0.26),
    "nfpp_160ah_prismatic": (160.0, 488.0, 16.6, 3.49, 1.28, 1.10, (102, 79), 0.33),
    "layered_na_200ah_prismatic": (200.0, 620.0, 13.8, 2.63, 1.26, 1.10, (63, 93), 0.28),
}
"""Ah and Wh: Ank et al. 2023 (4680), thelec.net 4647 (long pouch), data sheets (314 Ah), size of the can (sodium). The
rest: reference designs of literature and estimates, at 3.68, 3.22, 3.05 and 3.10 V."""
MASS_KG = {
    "4680_nmc811_dry": (0.355, 0.06),  # topcarstesla.com teardown
    "4680_lfp_dry": (0.330, 0.06),  # the same can, estimate
    "lfp_314ah_prismatic": (5.6, 0.06),  # data sheets
    "nfpp_160ah_prismatic": (4.5, 0.10),  # recalled: 4.5-5 kg
}
"""Mass and tolerance."""


def design(name: str) -> CellDesign:
    resolved = load(str(lookup(f"cells/{name}")))
    (product,) = resolved.get("products")
    made, problems = check(resolved, CellDesign, [("products", product, "design")])
    assert made is not None, problems
    return made


@pytest.mark.parametrize("name", REFERENCE)
def test_a_cell_is_of_its_reference_design(name: str) -> None:
    cell = design(name)
    ah, wh, area_m2, cathode_kg, anode_kg, np_ratio, coating_um, porosity = REFERENCE[name]
    kwh = cell.energy_wh / 1e3
    assert cell.capacity_ah == pytest.approx(ah, rel=0.01)
    assert cell.energy_wh == pytest.approx(wh, rel=0.01)
    assert cell.cathode.area_m2 / kwh == pytest.approx(area_m2, rel=0.02)
    assert cell.cathode.coating_kg / kwh == pytest.approx(cathode_kg, rel=0.02)
    # Cells have more anode than faces a cathode: overhang, and the outsides of a stack.
    assert anode_kg <= cell.anode.coating_kg / kwh <= 1.07 * anode_kg
    assert cell.np_ratio == pytest.approx(np_ratio, abs=0.005)
    assert (cell.cathode.coating_um, cell.anode.coating_um) == pytest.approx(coating_um, rel=0.02)
    assert cell.cathode.porosity == pytest.approx(porosity, abs=0.01)


@pytest.mark.parametrize("name", MASS_KG)
def test_a_cell_weighs_what_such_cells_weigh(name: str) -> None:
    kg, tolerance = MASS_KG[name]
    assert design(name).mass_kg == pytest.approx(kg, rel=tolerance)


def test_the_long_pouch_stores_what_its_outline_is_said_to_store() -> None:
    assert design("lfp_long_pouch").energy_wh / (5.81 * 1.27 * 0.167) == pytest.approx(379, rel=0.01)  # Wh/L


def test_sodium_cells_have_aluminium_on_both_sides() -> None:
    for name in ("nfpp_160ah_prismatic", "layered_na_200ah_prismatic"):
        assert {design(name).cathode.foil, design(name).anode.foil} == {"al"}


@pytest.mark.parametrize("part", CELLS)
def test_a_shipped_cell_is_possible_plausible_and_has_a_source_for_every_number(part: str) -> None:
    name = part.removeprefix("cells/")
    cell = design(name)
    assert list(cell.review()) == []
    assert 0.7 < cell_review.filled_share(cell) < 0.98
    text = (lookup(part) or pytest.fail(part)).read_text(encoding="utf-8")
    of_design = text.split("    params:")[0]
    bare = re.findall(r"^ +(\w+): [0-9.]+$", of_design, re.MULTILINE)
    assert set(bare) <= {"pieces"}
    noted = re.findall(r"\{value: .*\}", of_design)
    assert len(noted) > 25
    assert all("source: " in note for note in noted)


def test_every_powder_of_a_shipped_cell_has_a_price() -> None:
    resolved = load(str(lookup("materials/us_2026")))
    for part in CELLS:
        cell = design(part.removeprefix("cells/"))
        for powder in (cell.cathode.active_material, cell.anode.active_material):
            assert check(resolved, Material, [("materials", powder)])[0] is not None


def test_the_table_of_the_cells_page_is_true() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cells.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*" + r"\| ([\d.]+) " * 4 + r"\|$", page, re.MULTILINE)
    assert {f"cells/{name}" for name, *_ in rows} == set(CELLS)
    for name, *printed in rows:
        cell = design(name)
        values = (cell.capacity_ah, cell.energy_wh, cell.mass_kg, 1e3 * cell.cathode.area_m2 / cell.energy_wh)
        for text, value in zip(printed, values, strict=True):
            digits = len(text.partition(".")[2])
            assert float(text) == pytest.approx(value, abs=0.51 * 10**-digits), name
