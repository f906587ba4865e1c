"""What holds for the cell half of the line as a whole, and for each of its steps alike."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from cellfab.config.spec import Ramped
from cellfab.core.causes import describe
from cellfab.core.columns import COLUMNS
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.steps.base import Step


def good_share(lot: Lot) -> float:
    return lot.n_alive / lot.n


def test_rows_are_kept_and_only_declared_columns_written(cells: SimpleNamespace) -> None:
    seen: dict[str, set[str]] = {}

    def watch(name: str, step: Step, lot: Lot) -> None:
        before = set().union(*seen.values())
        written = set(lot.columns) - before
        seen[name] = written
        assert written <= set(step.writes), name
        for column in lot.columns:
            assert lot.columns[column].shape == (lot.n,), column
            assert lot.columns[column].dtype == COLUMNS[column].dtype, column
            assert np.isfinite(lot.columns[column]).all(), column
        if name != "wind":
            assert set(step.reads) - before <= {"separator_fault"}, f"{name} reads what nobody wrote"

    lot = cells.chain(watch=watch)
    good = [cells.electrode(name).alive().reshape(4, -1).sum(axis=1) - 2 for name in ("cathode", "anode")]
    assert lot.n == np.minimum(*good).sum()  # two segments of each daughter roll are leader and tail
    assert 0 < lot.n_alive < lot.n
    assert all(describe(int(code)).text for code in np.unique(lot.exit_code[lot.exit_code != 0]))


def test_a_line_without_defects_loses_nothing(cells: SimpleNamespace) -> None:
    for maturity in (0.0, 1.0):
        lot = cells.chain(cells.flawless, maturity=maturity, flawless=True, dead=0.0)
        assert lot.n_alive == lot.n
        assert lot.attributes["escapes"] == 0.0
        assert lot.attributes["good_energy_kwh"] == pytest.approx(
            1e-3 * lot.n * lot.attributes["rated_capacity_ah"] * 3.68, rel=0.01
        )


MORE_DEFECTS: list[tuple[str, str, Any, Any]] = [
    ("wind", "winding_fault_probability", 0.01, 0.2),
    ("wind", "separator_fault_probability", 0.01, 0.3),
    ("wind", "particles_per_m2", 0.1, 3.0),
    ("wind", "drift_sd_mm", 0.1, 0.4),
    ("fold", "depth_sd_mm", 0.03, 0.12),
    ("can", "face_to_roll_probability", 0.001, 0.1),
    ("can", "canning_fault_probability", 0.001, 0.1),
    ("fill", "blocked_nozzle_probability", 0.001, 0.1),
    ("fill", "leak_probability", 0.001, 0.1),
    ("grade", "appearance_probability", 0.001, 0.1),
    ("weld_anode", "gap_median_um", 15.0, 60.0),
    ("weld_anode", "least_penetration_um", 20.0, 60.0),
    ("formation", "moisture_loss_fraction_per_ppm", 0.0, 3e-4),
]


@pytest.mark.parametrize(("step", "parameter", "few", "many"), MORE_DEFECTS)
def test_more_defects_never_raise_the_yield(
    cells: SimpleNamespace, step: str, parameter: str, few: float, many: float
) -> None:
    # Without false alarms the two runs differ in the defect alone, on the same draws.
    quiet = {"weld_anode": {"false_alarm_probability": 0.0}, "weld_cathode": {"false_alarm_probability": 0.0}}
    # A tray's limit follows its own cells, so a wider spread of the tray could excuse a cell: keep the test wide.
    quiet["ageing"] = {"limit_sigmas_number": 12.0}
    shares = []
    for value in (few, many):
        params = {**quiet, step: {**quiet.get(step, {}), parameter: value}}
        shares.append(good_share(cells.chain(params)))
    assert shares[1] < shares[0]


@pytest.mark.parametrize(
    ("truth", "measured"),
    [
        ("capacity_ah", "capacity_measured_ah"),
        ("dcir_mohm", "dcir_measured_mohm"),
        ("k_mv_per_d", "k_measured_mv_per_d"),
    ],
)
def test_measurements_differ_from_the_truth_but_not_by_much(cells: SimpleNamespace, truth: str, measured: str) -> None:
    lot = cells.chain(maturity=1.0)
    error = lot.columns[measured] - lot.columns[truth]
    assert (error != 0.0).mean() > 0.99
    assert error.std() < 0.6 * lot.columns[truth].mean()


def test_a_lot_is_a_pure_function_of_its_names(cells: SimpleNamespace) -> None:
    first = cells.chain(ordinal=4)
    cells.chain(ordinal=5)
    again = cells.chain(ordinal=4)
    other_seed = cells.chain(ordinal=4, seed=2)
    np.testing.assert_array_equal(first.exit_code, again.exit_code)
    for name in first.columns:
        np.testing.assert_array_equal(first.columns[name], again.columns[name], err_msg=name)
    assert (first.columns["dcir_mohm"] != other_seed.columns["dcir_mohm"]).any()


def test_scrapping_upstream_deals_nobody_else_other_numbers(cells: SimpleNamespace) -> None:
    plain, fewer = {}, {}
    alive = [
        cells.chain(
            params, until="formation", watch=lambda name, step, lot, seen=seen: seen.update(lot.columns)
        ).n_alive
        for params, seen in (({}, plain), ({"can": {"canning_fault_probability": 0.3}}, fewer))
    ]
    assert alive[1] < alive[0]
    for name in ("capacity_ah", "dcir_mohm", "cathode_weld_mohm", "electrolyte_g", "unwetted_fraction"):
        np.testing.assert_array_equal(plain[name], fewer[name], err_msg=name)


def test_yield_improves_with_maturity(cells: SimpleNamespace) -> None:
    shares = [good_share(cells.chain(maturity=maturity, positions=300)) for maturity in (0.0, 0.5, 1.0)]
    assert shares[0] < shares[1] < shares[2]


def test_interpreted_and_compiled_kernels_agree(cells: SimpleNamespace, same_arrays) -> None:
    assert same_arrays(cells.script) > 50


def test_every_capability_of_a_step_can_be_evaluated_at_any_maturity(cells: SimpleNamespace) -> None:
    for name, step in cells.steps().items():
        for field, value in step.params:
            if isinstance(value, Ramped):
                values = [step.at(field, maturity) for maturity in (0.0, 0.3, 1.0)]
                assert values == sorted(values) or values == sorted(values, reverse=True), (name, field)


@pytest.mark.parametrize(
    ("step", "parameter", "value"),
    [
        ("wind", "particles_per_m2", -1.0),
        ("fold", "gap_gsd", 0.5),
        ("weld_anode", "power_w", 0.0),
        ("weld_anode", "keyhole_absorptivity_fraction", 1.5),
        ("fill", "leak_probability", {"start": 0.5, "mature": 1.5}),
        ("formation", "channel_h", float("nan")),
        ("ageing", "no_such_key", 1.0),
    ],
)
def test_impossible_parameters_are_refused(cells: SimpleNamespace, step: str, parameter: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=parameter):
        cells.steps({step: {parameter: value}})


def test_work_is_asked_after_apply_and_covers_scrapped_cells(cells: SimpleNamespace) -> None:
    materials: dict[str, float] = {}
    seconds: dict[str, float] = {}
    came = {"wind": 0}

    def watch(name: str, step: Step, lot: Lot) -> None:
        work = step.work(lot, 0.0)
        materials.update(work.materials)
        if work.seconds is not None:
            seconds[name] = work.seconds
        came[name] = lot.n_alive

    lot = cells.chain(watch=watch)
    design = cells.design()
    assert materials["separator"] == pytest.approx(lot.n * design.separator_area_m2)
    assert materials["tape"] == lot.n
    assert materials["collector_disc_al"] == came["fold"]
    assert materials["collector_disc_cu"] == came["weld_cathode"]
    assert materials["can"] == came["weld_anode"]
    assert materials["electrolyte"] == pytest.approx(came["can"] * design.electrolyte_kg, rel=0.01)
    assert seconds == {"wet": 16 * 3600.0, "formation": 18.5 * 3600.0, "ageing": 13 * 86_400.0, "grade": 5.5 * 3600.0}


def test_a_lot_without_living_cells_goes_through(cells: SimpleNamespace) -> None:
    lot = cells.chain({"wind": {"winding_fault_probability": 1.0}})
    assert lot.n_alive == 0
    assert lot.amount == 0.0
    assert lot.attributes["good_energy_kwh"] == 0.0


def test_a_remnant_roll_without_partner_makes_an_empty_lot(cells: SimpleNamespace) -> None:
    steps = cells.steps()
    lots = {"cathode": cells.electrode("cathode"), "anode": cells.electrode("anode", positions=1)}
    lot = steps["wind"].merge({**lots, "separator": cells.separator()}, Draws(1, 0, "wind"), 0.0)
    assert lot.n == 0
    for name in list(steps)[1:]:
        lot = steps[name].apply(lot, Draws(1, 0, name), 0.0)
        steps[name].work(lot, 0.0)
    assert lot.n_alive == 0
