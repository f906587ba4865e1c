from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from cellfab.config.cell_spec import CellDesign
from cellfab.config.electrode_spec import ElectrodeDesign
from cellfab.config.package_spec import Roll, Room, Stack

CATHODE: dict[str, Any] = {
    "active_material": "lfp", "loading_mg_per_cm2": 20.0, "active_fraction": 0.97, "binder_fraction": 0.02,
    "capacity_mah_per_g": 145.0, "press_density_g_per_cm3": 2.5, "solid_density_g_per_cm3": 3.5, "foil": "al",
    "foil_um": 13.0, "length_m": 3.0, "width_mm": 66.0, "margin_mm": 6.0,
}  # fmt: skip
ANODE: dict[str, Any] = {
    "active_material": "graphite", "loading_mg_per_cm2": 9.0, "active_fraction": 0.96, "binder_fraction": 0.03,
    "capacity_mah_per_g": 350.0, "press_density_g_per_cm3": 1.5, "solid_density_g_per_cm3": 2.2, "foil": "cu",
    "foil_um": 8.0, "length_m": 3.05, "width_mm": 68.0, "margin_mm": 5.0,
}  # fmt: skip
CYLINDER: dict[str, Any] = {
    "format": "cylindrical", "outer_diameter_mm": 46.0, "height_mm": 80.0, "wall_mm": 0.6, "core_diameter_mm": 5.0,
    "parts_kg": 0.07,
}  # fmt: skip
POUCH: dict[str, Any] = {
    "format": "pouch", "length_mm": 330.0, "width_mm": 110.0, "thickness_mm": 11.0, "laminate_um": 150.0,
    "parts_kg": 0.05,
}  # fmt: skip
PRISM: dict[str, Any] = {
    "format": "prismatic", "width_mm": 174.0, "thickness_mm": 72.0, "height_mm": 207.0, "wall_mm": 0.7,
    "insulation_mm": 0.3, "head_mm": 12.0, "parts_kg": 0.5,
}  # fmt: skip


def design(package: dict[str, Any] = CYLINDER, cathode: Any = (), anode: Any = (), **changes: Any) -> CellDesign:
    return CellDesign.model_validate(
        {
            "chemistry": "lfp", "package": package, "nominal_voltage_v": 3.2, "lower_voltage_v": 2.5,
            "upper_voltage_v": 3.65, "separator_um": 14.0, "separator_width_mm": 71.0, "electrolyte_g_per_ah": 2.0,
            "first_cycle_efficiency": 0.9, "cathode": {**CATHODE, **dict(cathode)}, "anode": {**ANODE, **dict(anode)},
            **changes,
        }
    )  # fmt: skip


def stack(**changes: Any) -> CellDesign:
    sheet = {"length_m": 0.1, "width_mm": 300.0}
    changes = {"package": POUCH, "separator_width_mm": 306.0, **changes}
    return design(
        cathode={**sheet, "pieces": 20}, anode={"length_m": 0.102, "width_mm": 302.0, "pieces": 21}, **changes
    )


def flat_roll(rolls: int = 2, **changes: Any) -> CellDesign:
    changes = {"package": PRISM, "separator_width_mm": 188.0, **changes}
    return design(
        cathode={"length_m": 14.0, "width_mm": 183.0, "pieces": rolls},
        anode={"length_m": 14.1, "width_mm": 186.0, "pieces": rolls},
        **changes,
    )


def refused(build: Any, **changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        build(**changes)
    (error,) = caught.value.errors()
    return str(error["msg"])


def test_a_cell_has_the_areas_and_masses_of_all_its_pieces() -> None:
    cell = stack()
    assert cell.cathode.piece_area_m2 == pytest.approx(2 * 0.1 * 0.3)
    assert cell.cathode.area_m2 == pytest.approx(20 * 2 * 0.1 * 0.3)
    assert cell.cathode.coating_kg == pytest.approx(20 * cell.cathode.piece_coating_kg)
    assert cell.cathode.coating_kg == pytest.approx(20.0 * 20 * 2 * 10 * 30 * 1e-6)  # mg/cm2 x cm2
    assert cell.anode.foil_area_m2 == pytest.approx(21 * 0.102 * 0.307)
    assert cell.anode.foil_kg == pytest.approx(21 * 0.102 * 0.307 * 8e-6 * 8960)
    assert cell.capacity_ah == pytest.approx(20e-3 * 0.97 * 0.145 * 20 * 2 * 10 * 30)
    assert cell.energy_wh == pytest.approx(3.2 * cell.capacity_ah)
    assert cell.separator_area_m2 == pytest.approx(42 * 1.03 * 0.102 * 0.306)
    parts = (cell.cathode, cell.anode)
    separator_kg = cell.separator_area_m2 * 14e-6 * 750
    solids_kg = sum(part.coating_kg + part.foil_kg for part in parts) + separator_kg + 0.05
    assert cell.mass_kg == pytest.approx(solids_kg + cell.electrolyte_kg)


def test_wound_or_stacked_is_told_by_the_pieces() -> None:
    assert not design().stacked
    assert not flat_roll().stacked
    assert stack().stacked
    assert "1 cathode and 3 anode pieces: wound cells need as many of each, stacks one anode more" in refused(
        design, anode={"pieces": 3}
    )


def test_a_round_roll_has_the_cross_section_of_its_layers() -> None:
    cell = design()
    layers_mm2 = 3.0 * (160 + 13) + 3.05 * (120 + 8) + 2 * 1.03 * 3.05 * 14
    assert cell.roll_section_mm2 == pytest.approx(layers_mm2)
    diameter_mm = math.sqrt(25 + 4 / math.pi * layers_mm2)
    # Each turn takes twice the thickness that the layers have on average.
    assert cell.roll_turns == pytest.approx((diameter_mm - 5) / 2 / (1e-3 * layers_mm2 / 3.05))


def test_a_flat_roll_has_the_cross_section_of_its_layers() -> None:
    room = Room(200.0, 170.0, 70.0)
    thickness = room.roll_thickness_mm(4500.0)
    assert (170.0 - thickness) * thickness + math.pi / 4 * thickness**2 == pytest.approx(4500.0)
    # A long thin band: as many turns as its thickness holds, two layers each.
    assert room.turns(4500.0 / 300.0, 4500.0) == pytest.approx(thickness / 2 / 0.3, rel=1e-3)
    assert math.isinf(room.roll_thickness_mm(170.0**2))


def test_what_does_not_fit_is_refused_with_its_size() -> None:
    text = refused(design, cathode={"length_m": 6.0}, anode={"length_m": 6.1})
    assert "the jelly roll (50.6 mm) does not fit the can (44.8 mm inside)" in text
    assert "the separator (79.0 mm wide) is higher than the can (78.8 mm inside)" in refused(
        design, separator_width_mm=79.0
    )
    assert "a round can takes 1 jelly roll, but `pieces` makes 2" in refused(flat_roll, package=CYLINDER)
    assert "a stack does not go into a round can" in refused(stack, package=CYLINDER)
    assert "the stack is 6.7 mm thick, more than the room inside (6.2 mm)" in refused(
        stack, package={**POUCH, "thickness_mm": 6.5}
    )
    assert "the stack's largest layer (306.0 x 102.0 mm) does not fit the room inside (330.0 x 101.0 mm)" in refused(
        stack, package={**POUCH, "width_mm": 101.0}
    )
    assert "the flat-wound rolls are 83.7 mm thick" in refused(flat_roll, rolls=3)
    assert "the separator (195.0 mm wide) does not fit the room inside (194.0 mm long)" in refused(
        flat_roll, separator_width_mm=195.0
    )
    assert "walls and insulation leave no room inside" in refused(flat_roll, package={**PRISM, "insulation_mm": 36.0})


def test_a_prism_takes_stacks_too() -> None:
    room = Room(190.0, 170.0, 70.0)
    assert room.misfit(Stack(69.9, (165.0, 185.0))) is None
    assert room.misfit(Stack(69.9, (185.0, 165.0))) is None
    assert room.misfit(Stack(69.9, (171.0, 185.0))) is not None
    assert room.misfit(Roll(4500.0, 189.0, 2)) is None


def test_impossible_electrodes_and_voltages_name_rule_and_values() -> None:
    assert (
        "N/P ratio 0.941 is below 1: the anode (2.65 mAh/cm2) cannot take what the cathode (2.81 mAh/cm2)"
        in refused(design, anode={"loading_mg_per_cm2": 7.88})
    )
    assert "porosity 1 - press_density/solid_density = 1 - 3.6/3.5 = -0.029 is not between 0 and 1" in refused(
        design, cathode={"press_density_g_per_cm3": 3.6}
    )
    assert "active_fraction 0.99 and binder_fraction 0.02 add up to more than 1" in refused(
        design, cathode={"active_fraction": 0.99}
    )
    assert "need lower_voltage_v < nominal_voltage_v < upper_voltage_v, but they are 2.5, 3.7 and 3.65 V" in refused(
        design, nominal_voltage_v=3.7
    )


@pytest.mark.parametrize("percent", range(1, 100))
def test_decimals_that_add_up_to_1_leave_no_carbon(percent: int) -> None:
    mixed = ElectrodeDesign.model_validate(
        {**CATHODE, "active_fraction": (100 - percent) / 100, "binder_fraction": percent / 100}
    )
    assert mixed.carbon_fraction == 0.0


def test_discs_are_of_round_cans_only() -> None:
    assert design(package={**CYLINDER, "collector_disc_cu_mm": 0.2}).collector_disc_mm("cu") == 0.2
    assert design().collector_disc_mm("al") == 0.0
    assert stack().collector_disc_mm("cu") == 0.0


def warned(cell: CellDesign) -> list[str]:
    remarks = list(cell.review())
    assert not any(remark.impossible for remark in remarks)
    assert all(remark.hint for remark in remarks)
    return [f"{remark.about}: {remark.message}" for remark in remarks]


def test_what_is_possible_but_not_published_is_warned_about() -> None:
    assert warned(flat_roll()) == []
    assert warned(flat_roll(electrolyte_g_per_ah=9.0)) == [
        "design.electrolyte_g_per_ah: electrolyte of 9 g/Ah is above 8 g/Ah",
    ]
    slack = {**PRISM, "thickness_mm": 110.0}
    assert warned(flat_roll(package=slack)) == ["design.package: filled share of the room inside of 0.517 is below 0.6"]
    swollen = design(cathode={"length_m": 4.5}, anode={"length_m": 4.8})
    assert warned(swollen) == ["design.package: filled share of the room inside of 0.984 is above 0.98"]
    odd = design(
        cathode={"loading_mg_per_cm2": 7.0, "press_density_g_per_cm3": 3.0, "active_fraction": 0.87, "foil": "cu"},
        anode={"loading_mg_per_cm2": 4.5, "binder_fraction": 0.002, "press_density_g_per_cm3": 1.0, "length_m": 6.0},
    )
    assert warned(odd) == [
        "design.cathode.loading_mg_per_cm2: cathode loading of 7 mg/cm2 is below 8 mg/cm2",
        "design.cathode.press_density_g_per_cm3: cathode porosity by design of 0.143 is below 0.18",
        "design.cathode.press_density_g_per_cm3: cathode coating thickness of 23 um is below 30 um",
        "design.cathode.active_fraction: cathode active fraction of 0.87 is below 0.88",
        "design.anode.press_density_g_per_cm3: anode porosity by design of 0.545 is above 0.5",
        "design.anode.binder_fraction: anode binder fraction of 0.002 is below 0.005",
        "design.anode.loading_mg_per_cm2: N/P ratio by design of 1.712 is above 1.3",
        "design.cathode.foil: copper foil under a cathode dissolves at its potential",
    ]
