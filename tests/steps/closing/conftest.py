"""Designs of pouch and prismatic cells, the steps that close them, and lots as welding, filling or formation get them.

Run as a script, it writes the columns of small lots after each of these steps.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cellfab.config.cell_spec import CellDesign
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot, lineage
from cellfab.steps.bake import Bake
from cellfab.steps.base import Step
from cellfab.steps.degas import Degas
from cellfab.steps.lid_seam import LidSeam
from cellfab.steps.pouch import Pouch
from cellfab.steps.second_fill import SecondFill
from cellfab.steps.tab_weld import TabWeld

CATHODE: dict[str, Any] = {
    "active_material": "lfp", "loading_mg_per_cm2": 18.0, "active_fraction": 0.96, "binder_fraction": 0.02,
    "capacity_mah_per_g": 155, "press_density_g_per_cm3": 2.4, "solid_density_g_per_cm3": 3.4, "foil": "al",
    "foil_um": 13, "length_m": 0.5, "width_mm": 100, "margin_mm": 12, "pieces": 40,
}  # fmt: skip
ANODE: dict[str, Any] = {
    "active_material": "graphite", "loading_mg_per_cm2": 9.0, "active_fraction": 0.96, "binder_fraction": 0.03,
    "capacity_mah_per_g": 345, "press_density_g_per_cm3": 1.6, "solid_density_g_per_cm3": 2.2, "foil": "cu",
    "foil_um": 6, "length_m": 0.505, "width_mm": 104, "margin_mm": 12, "pieces": 41,
}  # fmt: skip
DESIGN: dict[str, Any] = {
    "chemistry": "lfp", "nominal_voltage_v": 3.2, "lower_voltage_v": 2.5, "upper_voltage_v": 3.65,
    "separator_um": 14, "separator_width_mm": 108, "electrolyte_g_per_ah": 3.2, "first_cycle_efficiency": 0.9,
    "package": {
        "format": "pouch", "length_mm": 530, "width_mm": 110, "thickness_mm": 16, "laminate_um": 153,
        "parts_kg": 0.05,
    },
}  # fmt: skip
CAN: dict[str, Any] = {
    "format": "prismatic", "width_mm": 530, "thickness_mm": 18, "height_mm": 130, "wall_mm": 0.8, "insulation_mm": 0.1,
    "head_mm": 12, "parts_kg": 0.5,
}  # fmt: skip

FLAWLESS: dict[type[Step], dict[str, Any]] = {
    TabWeld: {
        "energy_cv": 0.0, "tilt_sd_fraction": 0.0, "particles_per_weld_number": 0.0, "false_alarm_probability": 0.0,
    },
    Pouch: {
        "insertion_damage_probability": 0.0, "channels_per_m": 0.0, "channels_per_tab_number": 0.0,
        "bar_noise_sd_k": 0.0, "bar_offset_sd_k": 0.0, "leak_false_alarm_probability": 0.0,
        "false_alarm_probability": 0.0,
    },
    LidSeam: {
        "insertion_damage_probability": 0.0, "depth_cv": 1e-6, "pores_per_m": 0.0, "vent_damage_probability": 0.0,
        "particles_per_lid_number": 0.0, "leak_false_alarm_probability": 0.0, "false_alarm_probability": 0.0,
    },
    SecondFill: {
        "blocked_nozzle_probability": 0.0, "pin_leak_probability": 0.0, "scale_error_fraction": 0.0,
        "leak_false_alarm_probability": 0.0,
    },
    Degas: {
        "missed_piercing_probability": 0.0, "gauge_ml_per_ah": 0.0, "channels_per_m": 0.0, "bar_noise_sd_k": 0.0,
        "bar_offset_sd_k": 0.0, "leak_false_alarm_probability": 0.0,
    },
    Bake: {"gauge_cv": 0.0, "equilibrium_cv": 0.0},
}  # fmt: skip
"""Parameters without a defect."""


def make_design(
    *, package: dict[str, Any] | None = None, anode: dict[str, Any] | None = None, **changes: Any
) -> CellDesign:
    given = {**DESIGN, "cathode": CATHODE, "anode": {**ANODE, **(anode or {})}, **changes}
    return CellDesign(**{**given, "package": package or given["package"]})


def make_step(kind: type[Step], *, design: CellDesign | None = None, flawless: bool = False, **params: Any) -> Step:
    can = kind in (LidSeam, SecondFill)
    own = {"side": "anode"} if kind is TabWeld and "side" not in params else {}
    given = {**own, **(FLAWLESS[kind] if flawless else {}), **params}
    return kind(kind.Params(**given), design or make_design(package=CAN if can else None))


def make_lot(n: int, *, ordinal: int = 3, design: CellDesign | None = None) -> Lot:
    """Cells with every column that one of the steps reads, all sound."""
    design = design or make_design()
    lot = Lot(lineage("cells", ordinal), ordinal=ordinal, product="cell", material="cell", n=n, unit="cells", amount=n)
    floats = {
        "cathode_burr_um": 2.0, "anode_burr_um": 2.0, "cathode_moisture_ppm": 900.0, "anode_moisture_ppm": 600.0,
        "electrolyte_g": 920.0 * design.electrolyte_kg, "unwetted_fraction": 0.0, "leak": 0.0,
        "gas_ml": 0.6 * design.capacity_ah, "capacity_ah": design.capacity_ah, "dcir_mohm": 0.8,
    }  # fmt: skip
    lot.columns = {name: np.full(n, value, np.float32) for name, value in floats.items()}
    for name in ("particles_in_roll", "cathode_weld_particles", "anode_weld_particles", "separator_fault"):
        lot.columns[name] = np.zeros(n, np.uint8)
    lot.columns["defects"] = np.zeros(n, np.uint16)
    return lot


def act(step: Step, lot: Lot, *, maturity: float = 0.0, seed: int = 1) -> Lot:
    return step.apply(lot, Draws(seed, 0, f"line.{step.name}"), maturity)


STEPS = SimpleNamespace(
    tab_weld=TabWeld, pouch=Pouch, lid_seam=LidSeam, second_fill=SecondFill, degas=Degas, bake=Bake
)  # fmt: skip


@pytest.fixture
def closing() -> SimpleNamespace:
    """The functions above, and the steps by name."""
    return SimpleNamespace(
        design=make_design, step=make_step, lot=make_lot, act=act, can=CAN, anode=ANODE, steps=STEPS, script=__file__
    )


if __name__ == "__main__":
    found: dict[str, Any] = {}
    for name, kind in vars(STEPS).items():
        made = act(make_step(kind), make_lot(257))
        found |= {f"{name}.{column}": values for column, values in made.columns.items()}
        found[f"{name}.exit_code"] = np.zeros(257, np.int16) if made.exit_code is None else made.exit_code
    np.savez(sys.argv[1], **found)
