from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfab.config.cell_spec import CellDesign
from cellfab.core.draws import Draws
from cellfab.core.joining import piece_rows
from cellfab.core.lot import Lot
from cellfab.steps.bake import Bake
from cellfab.steps.joiner import Joiner
from cellfab.steps.stack import OVERHANG_READ, SHEET, Stack
from cellfab.steps.wind import Wind

POUCH = {
    "format": "pouch", "length_mm": 330, "width_mm": 110, "thickness_mm": 30, "laminate_um": 150, "parts_kg": 0.05,
}  # fmt: skip
PRISM = {
    "format": "prismatic", "width_mm": 174, "thickness_mm": 72, "height_mm": 207, "wall_mm": 0.7, "insulation_mm": 0.3,
    "head_mm": 12, "parts_kg": 0.5,
}  # fmt: skip
FLAWLESS = {
    "overhang_gauge_mm": 0.0, "separator_fault_probability": 0.0, "camera_false_alarm_probability": 0.0,
    "particles_per_m2": 0.0,
}  # fmt: skip
FLAWLESS_STACK = {
    **FLAWLESS, "placing_sd_mm": 0.0, "sheet_reject_probability": 0.0, "flawed_sheet_seen_share": 0.0,
    "stacking_fault_probability": 0.0,
}  # fmt: skip
FLAWLESS_WIND = {**FLAWLESS, "alignment_sd_mm": 0.0, "drift_sd_mm": 0.0, "winding_fault_probability": 0.0}


@pytest.fixture
def joined(cells: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """Designs of several pieces, and steps that join them."""

    def stacked(sheets: int = 3, **anode: Any) -> CellDesign:
        raw = cells.raw_design
        return cells.design(
            package=POUCH, separator_width_mm=306,
            cathode={**raw["cathode"], "length_m": 0.1, "width_mm": 300, "pieces": sheets},
            anode={**raw["anode"], "length_m": 0.102, "width_mm": 302, "pieces": sheets + 1, **anode},
        )  # fmt: skip

    def wound(rolls: int = 2) -> CellDesign:
        raw = cells.raw_design
        return cells.design(
            package=PRISM, separator_width_mm=188,
            cathode={**raw["cathode"], "length_m": 9.0, "width_mm": 183, "pieces": rolls},
            anode={**raw["anode"], "length_m": 9.1, "width_mm": 186, "pieces": rolls},
        )  # fmt: skip

    def join(
        step_class: type[Joiner], design: CellDesign, params: dict[str, Any] | None = None, *, maturity: float = 0.0,
        prepare: Callable[[dict[str, Lot]], None] | None = None, **rolls: Any,
    ) -> tuple[Lot, dict[str, Lot]]:  # fmt: skip
        webs = {name: cells.electrode(name, design=design, **rolls) for name in ("cathode", "anode")}
        if prepare is not None:
            prepare(webs)
        step = step_class(step_class.Params(**{"roll_loss_m": 0.0, **(params or {})}), design)
        lot = step.merge({**webs, "separator": cells.separator()}, Draws(1, 0, "join"), maturity)
        return lot, webs

    yield SimpleNamespace(stacked=stacked, wound=wound, join=join)


def groups(lot: Lot, webs: dict[str, Lot], name: str, pieces: int) -> np.ndarray[Any, Any]:
    """Rows of each cell's pieces, found from its first: the next good ones of the same lane."""
    web = webs[name]
    lane_of = np.arange(web.n) // (web.n // int(web.attributes["lanes"]))
    good = np.flatnonzero(web.alive())
    place = np.searchsorted(good, lot.columns[f"{name}_row"])
    rows = good[place[:, None] + np.arange(pieces)]
    assert (lane_of[rows] == lane_of[rows[:, :1]]).all()
    return rows


def test_a_stack_has_the_next_good_sheets_of_its_lane_and_their_means(joined: SimpleNamespace) -> None:
    design = joined.stacked(3)
    lot, webs = joined.join(Stack, design, {"sheet_reject_probability": 0.05}, lanes=3, positions=200)
    lanes = {}
    areal = {}
    for name, pieces in (("cathode", 3), ("anode", 4)):
        rows = groups(lot, webs, name, pieces)
        assert np.unique(rows).size == rows.size == lot.n * pieces
        lanes[name] = rows[:, 0] // 200
        columns = webs[name].columns
        for source in ("porosity", "moisture_ppm"):
            np.testing.assert_allclose(lot.columns[f"{name}_{source}"], columns[source][rows].mean(axis=1), rtol=1e-5)
        np.testing.assert_array_equal(lot.columns[f"{name}_burr_um"], columns["burr_um"][rows].max(axis=1))
        areal[name] = (
            1e-3
            * (columns["loading_mg_per_cm2"] * columns["active_fraction"] * columns["specific_capacity_mah_per_g"])[
                rows
            ]
        )
        np.testing.assert_allclose(lot.columns[f"{name}_areal_mah_per_cm2"], areal[name].mean(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(lanes["cathode"], lanes["anode"])
    both = np.minimum(areal["anode"][:, :-1], areal["anode"][:, 1:]) / areal["cathode"]
    np.testing.assert_allclose(lot.columns["least_np_ratio"], both.min(axis=1), rtol=1e-5)


def test_a_thrown_out_sheet_is_lost_alone(joined: SimpleNamespace) -> None:
    lot, webs = joined.join(
        Stack, joined.stacked(3), {**FLAWLESS_STACK, "sheet_reject_probability": 0.1}, lanes=2, positions=500, dead=0.0
    )
    assert lot.n_alive == lot.n > 0
    for name, pieces in (("cathode", 3), ("anode", 4)):
        web = webs[name]
        assert web.losses == [(SHEET, web.n_dead)]
        assert web.n_dead == np.count_nonzero(web.exit_code == SHEET)
        assert abs(web.n_dead - 100) < 4.5 * np.sqrt(90)
        assert web.n == web.n_dead + lot.n * pieces + lot.attributes[f"{name}_remnant_cells"]
        facts = web.attributes
        assert facts["kg_in"] == pytest.approx(facts["kg_good"] + facts["kg_scrap"], rel=1e-6)


def test_flawed_sheets_are_seen_more_often_and_bring_particles(joined: SimpleNamespace) -> None:
    def flaw(webs: dict[str, Lot]) -> None:
        for web in webs.values():
            web.columns["notch_flaw"][:] = np.arange(web.n) % 2
            web.columns["metal_um"] = np.arange(web.n).astype(np.float32)
            web.attributes["pieces_per_cell"] = {"cathode": 3.0, "anode": 4.0}[web.material]
        webs["anode"].columns["pinhole_mm"] = np.arange(webs["anode"].n).astype(np.float32)

    params = {**FLAWLESS_STACK, "flawed_sheet_seen_share": 1.0}
    lot, webs = joined.join(Stack, joined.stacked(3), params, dead=0.0, prepare=flaw)
    assert (webs["anode"].exit_code == SHEET).sum() == webs["anode"].n // 2
    assert not lot.columns["particles_in_roll"].any()
    cathode, anode = (piece_rows(webs[name], lot.columns[f"{name}_row"])[:, -1] for name in ("cathode", "anode"))
    np.testing.assert_array_equal(lot.columns["anode_hole_mm"], anode)
    np.testing.assert_array_equal(lot.columns["mixed_in_metal_um"], np.maximum(cathode, anode))
    lot, _ = joined.join(Stack, joined.stacked(2), FLAWLESS_STACK, dead=0.0, prepare=flaw)
    assert set(np.unique(lot.columns["particles_in_roll"])) == {2, 3}


def test_narrow_overhangs_are_rejected(joined: SimpleNamespace) -> None:
    params = {**FLAWLESS_STACK, "placing_sd_mm": 0.2, "overhang_limit_mm": 0.5}
    lot, _ = joined.join(Stack, joined.stacked(3), params, positions=400)
    narrow = lot.columns["overhang_mm"] < 0.5
    assert 0 < np.count_nonzero(narrow) < lot.n
    np.testing.assert_array_equal(lot.exit_code == OVERHANG_READ, narrow)


def test_a_cell_of_two_rolls_has_the_worse_of_both(joined: SimpleNamespace) -> None:
    one, _ = joined.join(Wind, joined.wound(1), {**FLAWLESS_WIND, "drift_sd_mm": 0.2}, positions=1000, dead=0.0)
    two, webs = joined.join(Wind, joined.wound(2), {**FLAWLESS_WIND, "drift_sd_mm": 0.2}, positions=1000, dead=0.0)
    assert two.n == one.n // 2
    for name in ("cathode", "anode"):
        rows = groups(two, webs, name, 2)
        columns = webs[name].columns
        np.testing.assert_allclose(
            two.columns[f"{name}_moisture_ppm"], columns["moisture_ppm"][rows].mean(axis=1), rtol=1e-6
        )
    # 2000 pairs: the mean of the larger of two half-normals is 2 sd / sqrt(pi); z = 4.5 of its spread.
    drift = (1.5 - two.columns["overhang_mm"]) / 0.2
    spread = np.sqrt(1.0 + 2.0 / np.pi - 4.0 / np.pi)
    assert abs(drift.mean() - 2.0 / np.sqrt(np.pi)) < 4.5 * spread / np.sqrt(two.n)


def test_a_fault_of_either_roll_costs_the_cell(joined: SimpleNamespace) -> None:
    # 6000 cells, binomial count to z = 4.5.
    params = {**FLAWLESS_WIND, "winding_fault_probability": 0.1}
    lot, _ = joined.join(Wind, joined.wound(2), params, positions=3000, dead=0.0)
    failed = 1.0 - 0.9**2
    assert abs(lot.n_dead - failed * lot.n) < 4.5 * np.sqrt(lot.n * failed * (1.0 - failed))


@pytest.mark.parametrize(("step_class", "flawless"), [(Wind, FLAWLESS_WIND), (Stack, FLAWLESS_STACK)])
def test_without_defects_nothing_is_lost_but_remnants(
    joined: SimpleNamespace, step_class: type[Joiner], flawless: dict[str, Any]
) -> None:
    design = joined.wound(2) if step_class is Wind else joined.stacked(5)
    lot, webs = joined.join(step_class, design, flawless, flawless=True, dead=0.0, lanes=4, positions=121)
    assert lot.n_alive == lot.n == 4 * (121 // design.anode.pieces)
    assert webs["anode"].n_dead == webs["cathode"].n_dead == 0


@settings(max_examples=40)
@given(
    wound=st.booleans(), pieces=st.integers(1, 6), lanes=st.integers(1, 4), positions=st.integers(0, 60),
    dead=st.floats(0.0, 1.0), leader_m=st.floats(0.0, 20.0), reject=st.floats(0.0, 1.0),
)  # fmt: skip
def test_segments_are_conserved(
    request: pytest.FixtureRequest, wound: bool, pieces: int, lanes: int, positions: int, dead: float, leader_m: float,
    reject: float,
) -> None:  # fmt: skip
    """Good segments that came = pieces of cells + sheets thrown out + remnants, in rows and in kg."""
    joined = request.getfixturevalue("joined")
    design = joined.wound(min(pieces, 2)) if wound else joined.stacked(pieces)
    params: dict[str, Any] = {"roll_loss_m": leader_m}
    if not wound:
        params["sheet_reject_probability"] = reject
    came: dict[str, int] = {}
    lot, webs = joined.join(
        Wind if wound else Stack, design, params, lanes=lanes, positions=positions, dead=dead,
        prepare=lambda given: came.update({name: web.n_alive for name, web in given.items()}),
    )  # fmt: skip
    for name, web in webs.items():
        thrown = sum(rows for cause, rows in web.losses if cause == SHEET)
        remnant = lot.attributes[f"{name}_remnant_cells"]
        assert remnant >= 0
        assert came[name] == lot.n * getattr(design, name).pieces + thrown + remnant
        good_kg = web.attributes["segment_m2"] * 0.01 * web.columns["loading_mg_per_cm2"][web.alive()].sum()
        used = lot.attributes[f"{name}_used_kg"] + lot.attributes[f"{name}_remnant_kg"]
        assert used == pytest.approx(good_kg, rel=1e-5, abs=1e-9)
    assert lot.n == lot.n_alive + lot.n_dead


_WORSE = {
    "placing_sd_mm": (0.05, 0.15), "stacking_fault_probability": (0.01, 0.05), "overhang_limit_mm": (0.2, 0.4),
    "separator_fault_probability": (0.0, 0.1), "camera_false_alarm_probability": (0.001, 0.01),
    "sheet_reject_probability": (0.001, 0.02), "separator_detection_probability": (0.2, 0.9),
}  # fmt: skip


@pytest.mark.parametrize("name", _WORSE)
def test_more_defects_never_raise_yield(joined: SimpleNamespace, name: str) -> None:
    design = joined.stacked(3)
    mild = {one: values[0] for one, values in _WORSE.items()} | {"separator_fault_probability": 0.02}
    better, _ = joined.join(Stack, design, {**mild, name: _WORSE[name][0]}, positions=300)
    worse, _ = joined.join(Stack, design, {**mild, name: _WORSE[name][1]}, positions=300)
    assert worse.n_alive <= better.n_alive
    if name != "sheet_reject_probability":  # there the stacks are of other sheets
        assert not (worse.alive() & ~better.alive()).any()


def remarks(step: Joiner) -> list[tuple[str, bool]]:
    return [(remark.about, remark.impossible) for remark in step.review()]


def test_review_of_designs_that_cannot_be_stacked(joined: SimpleNamespace) -> None:
    def of(design: CellDesign, step_class: type[Joiner] = Stack, **params: Any) -> list[tuple[str, bool]]:
        return remarks(step_class(step_class.Params(**params), design))

    assert of(joined.stacked(20)) == []
    assert of(joined.wound(2), Wind) == []
    assert of(joined.wound(2)) == [("design.anode.pieces", True)]
    assert of(joined.stacked(3), Wind) == [("design.anode.pieces", True)]
    assert of(joined.stacked(3, width_mm=300)) == [("design.anode.width_mm", True)]
    assert of(joined.stacked(3, length_m=0.1)) == [("design.anode.length_m", True)]
    assert of(joined.stacked(3, width_mm=306)) == [("design.separator_width_mm", True)]
    assert of(joined.stacked(3), overhang_limit_mm=1.0) == [("overhang_limit_mm", True)]
    assert of(joined.stacked(40), placing_sd_mm=0.4) == [("overhang_limit_mm", False)]
    assert of(joined.wound(2), Wind, drift_sd_mm=2.0) == [("overhang_limit_mm", False)]


@pytest.mark.parametrize("step_class", [Wind, Stack])
def test_the_expected_overhang_is_near_the_median(joined: SimpleNamespace, step_class: type[Joiner]) -> None:
    # 8000 rolls or 2000 stacks; the sum of medians is not the median of a sum, hence a tenth of the loss.
    design = joined.wound(1) if step_class is Wind else joined.stacked(3)
    lot, _ = joined.join(step_class, design, flawless=True, dead=0.0, positions=2000, maturity=1.0)
    step = step_class(step_class.Params(), design)
    median = float(np.median(lot.columns["overhang_mm"]))
    assert median == pytest.approx(step.expected_overhang_mm(), abs=0.1 * (step.across_mm - median))


def test_a_stack_dries_from_its_shorter_side(joined: SimpleNamespace) -> None:
    assert Bake(Bake.Params(), joined.stacked(3)).path_mm == pytest.approx(102.0)
    assert Bake(Bake.Params(), joined.wound(2)).path_mm == 186.0
