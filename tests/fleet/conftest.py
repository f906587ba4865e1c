"""A fleet of two plants on one short scenario, and what was measured of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FLEET = """name: two
run: {start_date: 2026-01-05, horizon_h: 8736, replicates: 2, seed: 3}
economics:
  tariffs:
    duty: {origin: cn, share: 0.25}
  credits:
    cell: {usd_per_kwh: {2026: 35, 2027..: 10}}
fleet:
  parity: abroad
  plants:
    north: {scenario: plant.yaml, gwh_per_year: 4, lines: 2, spacing_weeks: 8}
    south: {scenario: ess_lfp_prismatic, begins: 2026-04-06, gwh_per_year: 2, credits: []}
  buyers:
    grid: {gwh_per_year: {2026: 6, 2027..: 8}, reference_price_usd_per_kwh: 70, elasticity_factor: 0.5}
  suppliers:
    abroad: {price_usd_per_kwh: 51, tariffs: [duty], freight_usd_per_kwh: 4}
    packs: {price_usd_per_kwh: 45, gwh_per_year: 1}
"""
PLANT = """name: plant
extends: [ess_lfp_prismatic, conversions/new_format_prismatic, ramps/converted_wet_line]
conversion: {product_to: lfp_314ah_prismatic, tasks: {certification: !delete , first_trial_cells: !delete }}
run: {start_date: 2025-01-06, horizon_h: 17472}
"""


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    """The two files by name."""
    return {"fleet.yaml": FLEET, "plant.yaml": PLANT}


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes the two files, with one text replaced by another in the fleet."""

    def write(old: str = "", new: str = "") -> Path:
        (tmp_path / "plant.yaml").write_text(PLANT, encoding="utf-8")
        assert old in FLEET
        path = tmp_path / "fleet.yaml"
        path.write_text(FLEET.replace(old, new, 1) if old else FLEET, encoding="utf-8")
        return path

    return write
