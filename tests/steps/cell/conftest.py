"""Lots to wind, the nine steps bound to a design, and the chain of them.

Run as a script, it writes the columns of a small chain, those that are dropped on the way included.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cellfab.config.cell_spec import CellDesign
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot, lineage
from cellfab.steps.ageing import Ageing
from cellfab.steps.base import Merge, Step
from cellfab.steps.can import Can
from cellfab.steps.fill import Fill
from cellfab.steps.fold import Fold
from cellfab.steps.formation import Formation
from cellfab.steps.grade import Grade
from cellfab.steps.tabless_weld import TablessWeld
from cellfab.steps.wet import Wet
from cellfab.steps.wind import Wind

ELECTRODE_SD = 0.01

DESIGN: dict[str, Any] = {
    "chemistry": "nmc811", "nominal_voltage_v": 3.68, "lower_voltage_v": 2.5, "upper_voltage_v": 4.2,
    "cathode": {
        "active_material": "nmc811", "loading_mg_per_cm2": 25.5, "active_fraction": 0.96, "binder_fraction": 0.02,
        "capacity_mah_per_g": 195, "press_density_g_per_cm3": 3.45, "solid_density_g_per_cm3": 4.53, "foil": "al",
        "foil_um": 13, "length_m": 3.4, "width_mm": 66, "margin_mm": 6,
    },
    "anode": {
        "active_material": "graphite", "loading_mg_per_cm2": 15.4, "active_fraction": 0.96, "binder_fraction": 0.03,
        "capacity_mah_per_g": 350, "press_density_g_per_cm3": 1.58, "solid_density_g_per_cm3": 2.19, "foil": "cu",
        "foil_um": 8, "length_m": 3.45, "width_mm": 68, "margin_mm": 5,
    },
    "separator_um": 14, "separator_width_mm": 71, "electrolyte_g_per_ah": 1.4, "first_cycle_efficiency": 0.875,
    "package": {
        "format": "cylindrical", "outer_diameter_mm": 46, "height_mm": 80, "wall_mm": 0.6, "core_diameter_mm": 5,
        "collector_disc_cu_mm": 0.2, "collector_disc_al_mm": 0.3, "parts_kg": 0.07,
    },
}  # fmt: skip

ALUMINIUM = {
    "power_w": 1350.0, "speed_mm_per_s": 500.0, "spot_diameter_um": 100.0, "rayleigh_mm": 1.0,
    "keyhole_absorptivity_fraction": 0.60, "surface_absorptivity_fraction": 0.20, "least_penetration_um": 40.0,
    "most_penetration_um": 350.0, "spatter_per_mm": 0.15,
}  # fmt: skip
STEPS: dict[str, tuple[type[Step], dict[str, Any]]] = {
    "wind": (Wind, {}),
    "fold": (Fold, {}),
    "weld_cathode": (TablessWeld, {"side": "cathode", **ALUMINIUM}),
    "weld_anode": (TablessWeld, {"side": "anode"}),
    "can": (Can, {}),
    "fill": (Fill, {}),
    "wet": (Wet, {}),
    "formation": (Formation, {}),
    "ageing": (Ageing, {}),
    "grade": (Grade, {}),
}

_FLAWLESS_WELD = {
    "power_cv": 0.0, "absorptivity_cv": 0.0, "local_cv": 0.0, "focus_sd_um": 0.0, "gap_median_um": 1e-3,
    "bridge_width_fraction": 0.005, "false_alarm_probability": 0.0, "spatter_per_mm": 0.0, "lot_power_cv": 0.0,
    "lens_loss_fraction": 0.0, "glass_loss_fraction": 0.0, "spike_scale_fraction": 0.001,
}  # fmt: skip
FLAWLESS: dict[str, dict[str, Any]] = {
    "wind": {
        "alignment_sd_mm": 0.0, "drift_sd_mm": 0.0, "overhang_gauge_mm": 0.0, "winding_fault_probability": 0.0,
        "separator_fault_probability": 0.0, "camera_false_alarm_probability": 0.0, "particles_per_m2": 0.0,
    },
    "fold": {"depth_sd_mm": 0.0, "particles_per_cell": 0.0, "camera_error_fraction": 0.0},
    "weld_cathode": _FLAWLESS_WELD,
    "weld_anode": _FLAWLESS_WELD,
    "can": {"canning_fault_probability": 0.0, "false_alarm_probability": 0.0},
    "fill": {
        "blocked_nozzle_probability": 0.0, "leak_probability": 0.0, "leak_false_alarm_probability": 0.0,
    },
    "wet": {"soak_h": 100.0},
    "formation": {},
    "ageing": {"limit_sigmas_number": 50.0},
    "grade": {"appearance_probability": 0.0, "least_capacity_fraction": 0.8, "most_dcir_fraction": 1.5},
}  # fmt: skip
"""Parameters without a defect; spreads that are no defects stay."""


def make_design(**changes: Any) -> CellDesign:
    return CellDesign(**{**DESIGN, **changes})


def make_steps(params: dict[str, dict[str, Any]] | None = None, design: CellDesign | None = None) -> dict[str, Step]:
    design = design or make_design()
    given = params or {}
    return {name: cls(cls.Params(**{**own, **given.get(name, {})}), design) for name, (cls, own) in STEPS.items()}


def make_electrode(
    material: str, *, lanes: int = 4, positions: int = 120, ordinal: int = 3, dead: float = 0.03,
    flawless: bool = False, design: CellDesign | None = None,
) -> Lot:  # fmt: skip
    """A roll as vacuum drying leaves it, from numpy's own generator."""
    electrode = getattr(design or make_design(), material)
    rng = np.random.default_rng([ordinal, len(material)])
    n = lanes * positions
    lot = Lot(
        lineage(material, ordinal), ordinal=ordinal, product="cell", material=material, n=n, unit="m", amount=500.0
    )
    sd = 0.0 if flawless else ELECTRODE_SD
    columns = {
        "loading_mg_per_cm2": electrode.loading_mg_per_cm2 * (1.0 + sd * rng.standard_normal(n)),
        "active_fraction": np.full(n, electrode.active_fraction),
        "binder_fraction": np.full(n, electrode.binder_fraction),
        "specific_capacity_mah_per_g": np.full(n, electrode.capacity_mah_per_g),
        "porosity": electrode.porosity * (1.0 + sd * rng.standard_normal(n)),
        "moisture_ppm": np.full(n, 200.0 if flawless else 300.0),
        "burr_um": np.full(n, 1.0) if flawless else 2.0 * np.exp(0.5 * rng.standard_normal(n)),
        "width_mm": electrode.width_mm + 0.05 * sd * rng.standard_normal(n),
        "notch_flaw": np.zeros(n) if flawless else (rng.random(n) < 0.01).astype(float),
    }
    lot.columns = {name: values.astype(np.float32) for name, values in columns.items()}
    lot.columns["notch_flaw"] = lot.columns["notch_flaw"].astype(np.uint8)
    kg = 0.01 * electrode.piece_area_m2 * float(columns["loading_mg_per_cm2"].sum())
    lot.attributes = {
        "lanes": float(lanes), "positions": float(positions), "planned_positions": float(positions),
        "pitch_m": electrode.length_m, "segment_m2": electrode.piece_area_m2,
        "kg_in": kg, "kg_good": kg, "kg_scrap": 0.0, "kg_returned": 0.0, "kg_strip": 0.0,
    }  # fmt: skip
    if dead:
        lot.scrap(rng.random(n) < dead, 7)
    return lot


def make_separator(ordinal: int = 3) -> Lot:
    return Lot(lineage("separator", ordinal), ordinal=ordinal, product="cell", material="separator", unit="rolls")


def run_chain(
    params: dict[str, dict[str, Any]] | None = None, *, maturity: float = 0.0, until: str = "grade", seed: int = 1,
    design: CellDesign | None = None, watch: Callable[[str, Step, Lot], None] | None = None, **electrode: Any,
) -> Lot:  # fmt: skip
    """Wind one lot and let the steps act on it, up to and with `until`; `watch` sees it after each."""
    rolls = {name: make_electrode(name, design=design, **electrode) for name in ("cathode", "anode")}
    lots = {**rolls, "separator": make_separator(rolls["cathode"].ordinal)}
    lot: Lot | None = None
    for name, step in make_steps(params, design).items():
        draws = Draws(seed, 0, f"line.{name}")
        if isinstance(step, Merge):
            lot = step.merge(lots, draws, maturity)
        else:
            assert lot is not None
            lot = step.apply(lot, draws, maturity)
        if watch is not None:
            watch(name, step, lot)
        if name == until:
            break
    assert lot is not None
    return lot


@pytest.fixture
def cells() -> Iterator[SimpleNamespace]:
    """The functions above."""
    yield SimpleNamespace(
        chain=run_chain, design=make_design, steps=make_steps, electrode=make_electrode, separator=make_separator,
        flawless=FLAWLESS, raw_design=DESIGN, script=__file__,
    )  # fmt: skip


if __name__ == "__main__":
    columns: dict[str, Any] = {}
    final = run_chain(lanes=2, positions=14, seed=5, watch=lambda name, step, lot: columns.update(lot.columns))
    assert final.exit_code is not None
    np.savez(sys.argv[1], exit_code=final.exit_code, **columns)
