"""Traces and recalls against a plain look at the recorded table."""

from __future__ import annotations

import json
import math
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from cellfab.errors import UsageError
from cellfab.records.recall import Records
from cellfab.report.folder import write_run_folder
from cellfab.report.recall_text import impact_text
from cellfab.run import run_scenario
from cellfab.scenario import load_scenario

SHORT = ("run.horizon_h=250", "run.record=full")


@pytest.fixture(scope="module")
def run(small_plant, tmp_path_factory):
    scenario = load_scenario("ev_4680_dry", [*small_plant, *SHORT])
    result = run_scenario(scenario)
    folder = write_run_folder(result, scenario.resolved_yaml(), tmp_path_factory.mktemp("runs"))
    cells = pd.read_parquet(folder / "cells.parquet")
    lots = pd.read_parquet(folder / "genealogy.parquet").set_index("lot")
    return SimpleNamespace(folder=folder, cells=cells, lots=lots, records=Records(folder))


def counts(cells):
    words = ("sold", "unsold", "scrapped", "inside")
    return {word: int((cells["outcome"] == word).sum()) for word in words}


def metres(run, cells, side):
    roll = run.lots.loc[cells[f"{side}_lot"].iloc[0]]
    return cells[f"{side}_row"] % roll["positions"] * roll["pitch_m"], roll


@pytest.mark.parametrize("side", ["cathode", "anode"])
def test_a_stretch_of_a_roll_becomes_the_cells_wound_from_it(run, side):
    name = run.cells.loc[run.cells["lot"] == "wind-1", f"{side}_lot"].iloc[0]
    cells = run.cells[run.cells[f"{side}_lot"] == name]
    begin, roll = metres(run, cells, side)
    first, last = 400.0, 521.5
    hit = cells[(begin + roll["pitch_m"] > first) & (begin < last)]
    found = run.records.impact(name, from_m=first, to_m=last)
    assert found.cells == counts(hit)
    assert sum(found.cells.values()) > 100
    assert list(found.rows) == ["wind-1"]
    assert np.array_equal(found.rows["wind-1"], hit["row"])
    assert found.sold_mwh == pytest.approx(hit.loc[hit["outcome"] == "sold", "energy_wh"].sum() * 1e-6, rel=1e-6)
    assert found.part == "400 to 521.5 m"


def test_the_edges_of_a_stretch(run):
    """A segment that only touches the stretch is not in it; one that reaches into it is."""
    roll = run.lots.loc["cathode_film-1"]
    pitch, positions = roll["pitch_m"], int(roll["positions"])
    cells = run.cells[run.cells["cathode_lot"] == "cathode_film-1"]
    at = cells["cathode_row"] % positions
    held = set(at)
    middle = next(position for position in sorted(held) if {position - 1, position + 1} <= held)

    def hit(begin_m, end_m):
        ((lot, rows),) = run.records.impact("cathode_film-1", from_m=begin_m, to_m=end_m).rows.items()
        return sorted(set(at[(cells["lot"] == lot) & cells["row"].isin(rows)]))

    assert hit(middle * pitch, (middle + 1) * pitch) == [middle]
    assert hit(middle * pitch - 0.01, (middle + 1) * pitch + 0.01) == [middle - 1, middle, middle + 1]


@pytest.mark.parametrize("side", ["cathode", "anode"])
def test_a_charge_becomes_all_cells_made_of_it(run, side):
    roll = run.cells.loc[run.cells["lot"] == "wind-0", f"{side}_lot"].iloc[0]
    charges = run.lots.loc[roll, "parents"]
    assert charges.startswith(f"{side}_dose-")
    cells = run.cells[run.cells[f"{side}_lot"] == roll]
    total = 0
    for charge in range(run.lots.loc[charges, "rows"]):
        found = run.records.impact(charges, charge=charge)
        assert found.cells == counts(cells[cells[f"{side}_charge"] == charge])
        total += sum(found.cells.values())
    whole = run.records.impact(charges)
    assert total == sum(whole.cells.values()) == len(cells)
    assert whole.cells == run.records.impact(roll).cells


def test_a_trace_and_an_impact_are_each_others_inverse(run):
    cells = run.cells[run.cells["lot"] == "wind-1"].sort_values("row").reset_index(drop=True)
    for row in (0, 17, 2_500, len(cells) - 1):
        trace = run.records.trace(f"wind-1.{row}")
        assert [root.side for root in trace.roots] == ["cathode", "anode"]
        for root in trace.roots:
            (piece,) = root.pieces
            assert piece.row == cells.loc[row, f"{root.side}_row"] == cells.loc[row, f"{root.side}_last_row"]
            assert piece.charge == cells.loc[row, f"{root.side}_charge"]
            assert root.lane * run.lots.loc[root.roll, "positions"] + piece.position == piece.row
            back = run.records.impact(root.roll, from_m=piece.from_m, to_m=piece.from_m + 0.1)
            assert row in back.rows["wind-1"]
            assert row in run.records.impact(root.charges, charge=piece.charge).rows["wind-1"]
        assert trace.facts["outcome"] == cells.loc[row, "outcome"]
        capacity = cells.loc[row, "capacity_ah"]
        assert trace.facts["capacity_ah"] == (None if math.isnan(capacity) else capacity)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda records: records.trace("wind-1"), r"'wind-1' is no cell: give lot and row, such as 'wind-0.0'"),
        (lambda records: records.trace("wnd-1.3"), r"no lot 'wnd-1' in this run: did you mean 'wind-1'\?"),
        (lambda records: records.trace("cathode_film-1.3"), "is no lot of cells"),
        (lambda records: records.trace("wind-1.99999"), r"lot 'wind-1' has rows 0 to \d+, not 99999"),
        (lambda records: records.impact("cathod_film-1"), r"did you mean 'cathode_film-1'\?"),
        (lambda records: records.impact("wind-1"), "is a lot of cells"),
        (
            lambda records: records.impact("cathode_film-1", from_m=5000),
            r"runs from 0 to \d+\.\d+ m; 5000 to .* is no str",
        ),
        (lambda records: records.impact("cathode_film-1", from_m=20, to_m=10), "20 to 10 m is no stretch of it"),
        (lambda records: records.impact("cathode_film-1", charge=1), "is a roll; choose a stretch of it"),
        (lambda records: records.impact("cathode_dose-1", to_m=10), "is no roll, so it has no metres"),
        (lambda records: records.impact("cathode_dose-1", charge=99), r"has the charges 0 to \d+, not 99"),
        (lambda records: records.impact("separator-1", charge=0), "no roll has been made of charges of 'separator-1'"),
        (lambda records: records.impact("xyz"), r"no lot 'xyz' in this run\. Newest lots: .*cathode_film-\d+.*wind-"),
        (lambda records: records.trace("wind-1.²"), "'wind-1.²' is no cell"),
    ],
)
def test_what_cannot_be_answered_says_why(run, ask, message):
    with pytest.raises(UsageError, match=message):
        ask(run.records)


def test_a_roll_that_is_not_wound_yet_concerns_no_cell(run):
    wound = set(run.cells["cathode_lot"])
    fresh = next(name for name in run.lots.index if name.startswith("cathode_film") and name not in wound)
    found = run.records.impact(fresh, from_m=0, to_m=10)
    assert sum(found.cells.values()) == 0
    assert found.stretches[0].segments >= 2
    with pytest.raises(UsageError, match="no stretch of it"):
        run.records.impact(fresh, from_m=1e6)


def test_a_lot_without_rows_of_its_own_concerns_every_cell_made_of_it(run):
    wound = run.cells[run.cells["lot"] == "wind-1"]
    for parent in run.lots.loc["wind-1", "parents"].split():
        if parent.startswith("separator"):
            assert run.records.impact(parent).cells == counts(wound)
            return
    pytest.fail("wind-1 has no separator")


def test_cells_inside_are_told_by_the_place_that_they_came_to(run):
    inside = run.cells[run.cells["outcome"] == "inside"]
    name = inside["cathode_lot"].iloc[0]
    found = run.records.impact(name)
    here = inside[inside["cathode_lot"] == name]
    assert found.inside == here["station"].value_counts().loc[lambda number: number > 0].to_dict()
    assert sum(found.inside.values()) == found.cells["inside"] > 0
    assert set(found.inside) <= {"wind", "assembly.fold", "assembly.weld_cathode", "assembly.weld_anode",
                                 "assembly.can", "assembly.fill", "wet", "formation", "age", "grade"}  # fmt: skip


def test_folders_that_cannot_be_read(run, tmp_path):
    with pytest.raises(UsageError, match="is not the folder of a run"):
        Records(tmp_path)
    shutil.copy(run.folder / "manifest.json", tmp_path)
    with pytest.raises(UsageError, match=r"recorded no cells; run it again with --set run\.record=full"):
        Records(tmp_path)
    with pytest.raises(UsageError, match="has the replicates 0 to 0, not 3"):
        Records(run.folder, 3)
    shutil.copytree(run.folder, tmp_path, dirs_exist_ok=True)
    table = parquet.read_table(run.folder / "genealogy.parquet")
    parquet.write_table(table.drop_columns("charge_starts"), tmp_path / "genealogy.parquet")
    with pytest.raises(UsageError, match="was recorded by another version of cellfab; run it again"):
        Records(tmp_path)
    (tmp_path / "genealogy.parquet").write_bytes((run.folder / "genealogy.parquet").read_bytes())
    (tmp_path / "cells.parquet").write_bytes((run.folder / "cells.parquet").read_bytes()[:50_000])
    with pytest.raises(UsageError, match=r"cells\.parquet' cannot be read, it may be damaged or not complete"):
        Records(tmp_path).trace("wind-1.1")


def test_lots_outside_the_sample_say_so(small_plant):
    sets = [*small_plant, "run.horizon_h=120", "run.record=sample", "run.record_share=0.0001"]
    result = run_scenario(load_scenario("ev_4680_dry", sets))
    records = Records(result.records)
    with pytest.raises(UsageError, match="lot 'wind-0' is not in the sample"):
        records.trace("wind-0.1")
    with pytest.raises(UsageError, match="are not in the sample"):
        records.impact("cathode_film-0")


def test_lots_outside_the_sample_are_not_passed_over_in_silence(run, tmp_path):
    """A charge whose lot became two lots of cells, of which one is in the sample."""
    shutil.copytree(run.folder, tmp_path, dirs_exist_ok=True)
    table = parquet.read_table(run.folder / "genealogy.parquet")
    lots = {lot["lot"]: lot for lot in table.to_pylist()}
    lots["wind-1"]["parents"] += " " + lots["wind-0"]["parents"]
    lots["wind-1"]["recorded"] = False
    parquet.write_table(pa.Table.from_pylist(list(lots.values()), table.schema), tmp_path / "genealogy.parquet")
    found = Records(tmp_path).impact("cathode_film-0")
    assert found.lots_not_recorded == 1
    assert found.cells == run.records.impact("cathode_film-0").cells
    assert "not counted: cells of 1 more lot " in impact_text(found)


# ---- the command line -------------------------------------------------------------------------------------------


def test_trace_on_the_command_line(run, command):
    done = command("trace", str(run.folder), "wind-1.17")
    assert done.code == 0
    first, cathode, anode, *facts = done.out.splitlines()
    assert first.startswith("wind-1.17: ev_nmc811, ")
    assert re.search(r"cathode_film-1, lane 0, [\d.]+ to [\d.]+ m, of charge 0 in cathode_dose-1$", cathode)
    assert "anode_film-" in anode
    assert any(line.split()[0] == "overhang_mm" and line.endswith(" mm") for line in facts)
    document = json.loads(command("trace", str(run.folder), "wind-1.17", "--json").out)
    assert document["cell"] == "wind-1.17"
    assert document["roots"][0]["roll"] == "cathode_film-1"


def test_impact_on_the_command_line(run, command):
    arguments = ("impact", str(run.folder), "cathode_film-1", "--from", "100", "--to", "200")
    done = command(*arguments)
    assert done.code == 0
    expected = run.records.impact("cathode_film-1", from_m=100, to_m=200)
    assert done.out.startswith(f"cathode_film-1 (100 to 200 m): {sum(expected.cells.values())} cells (")
    assert f"to call back: {expected.cells['sold']} cells sold" in done.out
    assert re.search(r"where: [\d.]+ to [\d.]+ m of cathode_film-1, \d+ segments in each of 16 lanes", done.out)
    document = json.loads(command(*arguments, "--json").out)
    assert document["cells"] == expected.cells
    assert document["rows"]["wind-1"] == expected.rows["wind-1"].tolist()
    powder = command("impact", str(run.folder), "cathode_dose-1", "--charge", "2")
    assert "cathode_dose-1 (charge 2):" in powder.out


def test_a_wrong_cell_on_the_command_line(run, command):
    done = command("trace", str(run.folder), "wnid-1.17")
    assert done.code == 2
    assert "did you mean" in done.err
    assert done.out == ""
