"""The quality report against the lots it is made of, and its command."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pytest

from cellfab.core.defects import DEFECTS, MECHANISMS, bit
from cellfab.errors import ConfigError, UsageError
from cellfab.pilot import pilot_lots
from cellfab.quality.assessment import ENOUGH, quality
from cellfab.quality.likeness import intraclass_correlation
from cellfab.scenario import load_scenario

SHORT_ROLLS = [f"line.stations.{side}_dose.params.roll_length_m=600" for side in ("cathode", "anode")]
LOTS = 6


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("ev_4680_dry", SHORT_ROLLS)


@pytest.fixture(scope="module")
def young(scenario):
    return quality(scenario, lots=LOTS, maturity=0.0, seed=4)


@pytest.fixture(scope="module")
def lots(scenario):
    return list(pilot_lots(scenario, seed=4, lots=LOTS, maturity=0.0))


def test_cells_and_yields_are_those_of_the_lots(young, lots):
    assert young.cells_made == sum(lot.n for lot in lots)
    assert young.cells_sold == sum(lot.n_alive for lot in lots)
    assert young.final_yield == young.cells_sold / young.cells_made
    cells = [step for step in young.steps if step.row_unit == "cells"]
    assert math.prod(step.step_yield for step in cells) == pytest.approx(young.final_yield)
    assert young.rolled_throughput_yield == pytest.approx(math.prod(step.step_yield for step in young.steps))
    assert young.first_pass_yield < young.rolled_throughput_yield < young.final_yield
    for before, after in pairwise(cells):
        assert after.rows_in == before.rows_in - before.rows_lost


def test_losses_add_up_to_what_the_steps_lost(young):
    for step in young.steps:
        assert sum(loss.rows for loss in young.losses if loss.place == step.place) == step.rows_lost
        assert step.false_rejects is None or 0 <= step.false_rejects <= step.rows_lost
    assert any(step.false_rejects for step in young.steps)
    assert sum(loss.share for loss in young.losses) == pytest.approx(1.0)
    cells = [loss.cells for loss in young.losses]
    assert cells == sorted(cells, reverse=True)


def test_counted_escapes_are_those_of_the_cells_sold(young, lots):
    escapes = {escape.mechanism: escape for escape in young.escapes}
    assert set(escapes) == set(MECHANISMS)
    for name, escape in escapes.items():
        carried = sum(int(np.count_nonzero(lot.alive() & ((lot.columns[DEFECTS] & bit(name)) != 0))) for lot in lots)
        if escape.method == "counted":
            assert escape.seen == carried
            assert escape.ppm == pytest.approx(1e6 * carried / young.cells_sold)
        else:
            assert carried < ENOUGH
            assert escape.gain > 1.0
            assert escape.sources
        assert escape.low <= escape.ppm <= escape.high
    assert escapes["no_fusion"].seen > 30


def test_likeness_is_that_of_the_capacity_of_cells_sold(young, lots):
    capacity = [lot.columns["capacity_ah"][lot.alive()] for lot in lots]
    roll = np.repeat(np.arange(len(lots)), [values.size for values in capacity])
    expected = intraclass_correlation(np.concatenate(capacity), roll)
    assert young.likeness["icc_capacity_roll"] == expected
    # Cells of one charge share its roll as well, so they are more alike than cells of one roll.
    for name in ("icc_capacity_cathode_charge", "icc_capacity_anode_charge"):
        assert young.likeness[name].icc > expected.icc > 0.0
        assert young.likeness[name].groups > LOTS


def test_grades_and_strings_are_those_of_the_cells_sold(young, lots):
    grade = np.concatenate([lot.columns["grade"][lot.alive()] for lot in lots])
    grades = young.grades
    assert (grades.grade_a, grades.grade_b) == (np.count_nonzero(grade == 1), np.count_nonzero(grade == 2))
    assert grades.grade_a == 104 * grades.strings + grades.waiting
    assert grades.unmatched_fraction < grades.usable_fraction < 1.0


def test_recalls_share_out_the_cells_sold(young, lots):
    energy_mwh = 1e-3 * sum(lot.attributes["good_energy_kwh"] for lot in lots)
    assert [recall.of for recall in young.recalls] == ["cathode charge", "anode charge", "pair of mother rolls"]
    for recall in young.recalls:
        assert recall.cells * recall.number == pytest.approx(young.cells_sold)
        assert recall.mwh * recall.number == pytest.approx(energy_mwh)
    charges, _, rolls = young.recalls
    assert rolls.number == LOTS < charges.number


def test_a_rare_defect_is_seen_by_importance_sampling_where_counting_sees_none():
    scenario = load_scenario(
        "ev_4680_dry", [*SHORT_ROLLS, "line.stations.wind.params.separator_fault_probability=1e-6"]
    )
    found = quality(scenario, lots=30, mechanism="separator_fault")
    (escape,) = found.escapes
    assert escape.method == "importance sampling"
    assert 0.0 < escape.ppm < 1.0
    assert escape.seen > 10
    assert escape.gain == pytest.approx(1e4, rel=0.01), "every escape weighs a ten-thousandth"
    assert escape.sources == (("wind.separator_fault_probability", pytest.approx(1e4)),)
    assert escape.high / escape.low < 6.0


@pytest.mark.parametrize(
    ("asked", "kind", "message"),
    [
        ({"mechanism": "leek"}, UsageError, "'leek' is no hidden defect; known: soft_short, "),
        ({"maturity": 1.5}, UsageError, "maturity 1.5 is not between 0 and 1"),
        ({"lots": 1}, UsageError, "at least 2 lots"),
        ({"product": "ev"}, ConfigError, "makes no 'ev'; its products: ev_nmc811"),
    ],
)
def test_what_cannot_be_asked(scenario, asked, kind, message):
    with pytest.raises(kind, match=message):
        quality(scenario, **asked)


# ---- the command ------------------------------------------------------------------------------------------------

SETS = [word for one in SHORT_ROLLS for word in ("--set", one)]


def test_the_command_prints_tables(command, young):
    done = command("quality", "ev_4680_dry", *SETS, "--lots", str(LOTS), "--maturity", "0", "--seed", "4")
    assert done.code == 0
    head, cells, *_ = done.out.splitlines()
    assert head == f"ev_4680_dry: ev_nmc811 at maturity 0, {LOTS} lots, seed 4"
    assert cells.startswith(f"{young.cells_made:,} cells made, {young.cells_sold:,} sold: final yield ")
    for heading in ("Yield by step", "Causes of scrap", "Cells sold with a hidden defect", "How alike", "called back"):
        assert heading in done.out
    for escape in young.escapes:
        assert f"  {escape.mechanism} " in done.out


def test_the_command_as_json(command, young):
    done = command("quality", "ev_4680_dry", *SETS, "--lots", str(LOTS), "--maturity", "0", "--seed", "4", "--json")
    document = json.loads(done.out)
    assert document["cells_sold"] == young.cells_sold
    assert [escape["mechanism"] for escape in document["escapes"]] == list(MECHANISMS)
    assert document["icc_capacity_roll"]["value"] == pytest.approx(young.likeness["icc_capacity_roll"].icc)
    assert {step["place"]: step["rows_lost"] for step in document["steps"]} == {
        step.place: step.rows_lost for step in young.steps
    }


def test_wrong_commands(command):
    done = command("quality", "ev_4680_dry", "--mechanism", "leek")
    assert (done.code, done.out) == (2, "")
    assert "known: soft_short" in done.err
    assert command("quality", "mm1").code == 3
