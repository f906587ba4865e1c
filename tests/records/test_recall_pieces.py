"""Traces and recalls of cells of several pieces against the pairs that the joining step itself made."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cellfab.core import joining
from cellfab.pilot import QualityChain
from cellfab.quality.assessment import quality
from cellfab.records.recall import Records
from cellfab.records.recording import recording
from cellfab.replicate import simulate
from cellfab.report.recall_text import trace_text
from cellfab.scenario import cell_columns, load_scenario
from cellfab.steps.joiner import Joiner

PLANTS = Path(__file__).parents[1] / "data" / "plants"
SIDES = ("cathode", "anode")
# Short rolls of a few charges each; many sheets thrown out, so that cells span gaps and charges.
STACKED = (
    "run.horizon_h=160", "run.record=full",
    "line.stations.wind.params.sheet_reject_probability=0.05",
    "line.stations.cathode_dose.params.roll_length_m=300", "line.stations.anode_dose.params.roll_length_m=300",
    "line.stations.cathode_dose.params.charge_kg=20", "line.stations.anode_dose.params.charge_kg=20",
)  # fmt: skip
WOUND = ("run.horizon_h=1008", "run.record=full")


@pytest.fixture(scope="module", params=["pouch", "prismatic"])
def run(request, small_plant, tmp_path_factory):
    """A recorded run and, for each of its lots of cells, which rows of which lots every cell took."""
    sets = {
        "pouch": (PLANTS / "pouch.yaml", [*small_plant, *STACKED]),
        "prismatic": ("ess_lfp_prismatic", list(WOUND)),
    }
    name, options = sets[request.param]
    scenario = load_scenario(str(name), options)
    taken = {}
    join = joining.join

    def watched(cathode, anode, separator, place, rows, pieces):
        child = join(cathode, anode, separator, place, rows, pieces)
        for lot, of_lot in zip((cathode, anode), rows, strict=True):
            charge = lot.columns["charge"][of_lot]
            taken[child.identity, lot.material] = (
                lot.identity, of_lot.reshape(child.n, -1).copy(), charge.reshape(child.n, -1).copy()
            )  # fmt: skip
        return child

    folder = tmp_path_factory.mktemp("run")
    with (
        pytest.MonkeyPatch.context() as patch,
        recording(scenario.spec.run, cell_columns(scenario.steps), folder) as to,
    ):
        patch.setattr(joining, "join", watched)
        simulate(scenario, 1, files=to)
    cells = pd.read_parquet(folder / "cells.parquet").sort_values(["lot", "row"])
    lots = pd.read_parquet(folder / "genealogy.parquet").set_index("lot")
    by_identity = dict(zip(lots["identity"], lots.index, strict=True))
    truth = {}
    for (cell, side), (web, rows, charges) in taken.items():
        truth[by_identity[cell], side] = (by_identity[web], rows, charges)
    assert set(cells["lot"]) == {lot for lot, _ in truth}
    return SimpleNamespace(cells=cells, lots=lots, truth=truth, records=Records(folder), pieces=rows.shape[1])


def expected(run, cell_lot, mask):
    """Outcomes and MWh of the masked rows of a lot of cells."""
    cells = run.cells[run.cells["lot"] == cell_lot]
    assert len(cells) == len(mask)
    hit = cells[mask]
    numbers = {word: int((hit["outcome"] == word).sum()) for word in ("sold", "unsold", "scrapped", "inside")}
    return numbers, hit.loc[hit["outcome"] == "sold", "energy_wh"].sum() * 1e-6


@pytest.mark.parametrize("side", SIDES)
def test_a_stretch_hits_every_cell_with_a_piece_of_it(run, side):
    generator = np.random.default_rng(5)
    lots = [lot for lot, electrode in run.truth if electrode == side]
    sold = missed_by_first = 0
    for _ in range(12):
        cell_lot = lots[generator.integers(min(len(lots), 6))]
        web, rows, _ = run.truth[cell_lot, side]
        roll = run.lots.loc[web]
        begin = generator.uniform(0.0, 0.9) * roll["length_m"]
        end = begin + generator.choice([0.2, 3.0, 60.0])
        metre = rows % int(roll["positions"]) * roll["pitch_m"]
        pieces = (metre + roll["pitch_m"] > begin) & (metre < end)
        mask = pieces.any(axis=1)
        missed_by_first += int(np.count_nonzero(mask & ~pieces[:, 0]))
        found = run.records.impact(web, from_m=begin, to_m=end)
        cells, mwh = expected(run, cell_lot, mask)
        assert found.cells == cells
        assert np.array_equal(found.rows[cell_lot], np.flatnonzero(mask))
        (stretch,) = found.stretches
        assert stretch.used == np.count_nonzero(pieces)
        assert stretch.from_m <= begin < stretch.from_m + roll["pitch_m"]
        assert found.sold_mwh == pytest.approx(mwh, rel=1e-6)
        sold += cells["sold"]
    assert sold > 0
    assert missed_by_first > 0, "the intervals tell more than the first pieces would"


@pytest.mark.parametrize("side", SIDES)
def test_a_charge_hits_every_cell_with_a_piece_of_it(run, side):
    cell_lot = next(lot for lot, electrode in run.truth if electrode == side)
    web, _, charges = run.truth[cell_lot, side]
    powder = run.lots.loc[web, "parents"].split()[0]
    total = 0
    for charge in range(run.lots.loc[powder, "rows"]):
        found = run.records.impact(powder, charge=charge)
        mask = (charges == charge).any(axis=1)
        assert found.cells == expected(run, cell_lot, mask)[0]
        assert sum(stretch.used for stretch in found.stretches) == np.count_nonzero(charges == charge)
        total += int(np.count_nonzero(mask))
    several = sum(np.unique(of_cell).size - 1 for of_cell in charges)
    assert total == len(charges) + several
    assert (several > 0) == (run.lots.loc[powder, "rows"] > 1), "where a charge ends, a cell has pieces of two"


def test_a_trace_lists_all_pieces(run):
    cell_lot = next(lot for lot, _ in run.truth)
    cells = len(run.truth[cell_lot, "cathode"][1])
    for row in (0, 1, cells // 2, cells - 1):
        trace = run.records.trace(f"{cell_lot}.{row}")
        assert [root.side for root in trace.roots] == list(SIDES)
        for root in trace.roots:
            web, rows, charges = run.truth[cell_lot, root.side]
            roll = run.lots.loc[web]
            positions = int(roll["positions"])
            assert root.roll == web
            assert [piece.row for piece in root.pieces] == rows[row].tolist()
            assert [piece.charge for piece in root.pieces] == charges[row].tolist()
            assert {piece.row // positions for piece in root.pieces} == {root.lane}
            starts = [piece.from_m for piece in root.pieces]
            assert starts == pytest.approx(rows[row] % positions * roll["pitch_m"])
            assert root.pieces[0].to_m - starts[0] == pytest.approx(roll["pitch_m"])
        assert f"{len(trace.roots[0].pieces)} pieces: rows {rows_in_words(trace.roots[0])}" in trace_text(trace)


def rows_in_words(root):
    """The first run of rows, as a reader would write it."""
    rows = [piece.row for piece in root.pieces]
    last = rows[0]
    while last + 1 in rows:
        last += 1
    return f"{rows[0]}" if last == rows[0] else f"{rows[0]} to {last}"


def test_a_scrapped_segment_between_pieces_is_in_no_cell(run):
    cell_lot, row, web, gap = next(
        (lot, row, web, int(rows[row, 0]) + 1)
        for (lot, side), (web, rows, _) in run.truth.items() if side == "cathode"
        for row in np.flatnonzero(rows[:, 1] - rows[:, 0] == 2)
    )  # fmt: skip
    roll = run.lots.loc[web]
    lane, position = divmod(gap, int(roll["positions"]))
    middle = (position + 0.5) * roll["pitch_m"]
    found = run.records.impact(web, from_m=middle, to_m=middle + 0.01)
    assert row not in found.rows[cell_lot]
    _, rows, _ = run.truth[cell_lot, "cathode"]
    lanes = rows // int(roll["positions"])
    assert lane not in lanes[found.rows[cell_lot]], "the lane has no living segment there"


# ---- the pure functions -----------------------------------------------------------------------------------------


def test_rows_come_back_from_what_is_recorded_of_them():
    """Random webs: the groups taken, and those rebuilt from first and last rows and the rows between."""
    generator = np.random.default_rng(3)
    for pieces in (2, 3, 7):
        good = generator.random(500) > 0.3
        alive = np.flatnonzero(good)
        rows = alive[: alive.size // pieces * pieces].reshape(-1, pieces).astype(np.int32)
        web = SimpleNamespace(attributes={"pieces_per_cell": float(pieces)}, alive=lambda good=good: good)
        found = joining.piece_rows(web, rows[:, 0])
        assert np.array_equal(found, rows)
        skipped, counts = joining.passed_over(web, found)
        assert np.array_equal(counts, rows[:, -1] - rows[:, 0] + 1 - pieces)
        assert not good[skipped].any()
        assert np.array_equal(joining.spanned_rows(rows[:, 0], rows[:, -1], skipped), rows)
    nothing = np.empty(0, np.int32)
    assert joining.spanned_rows(nothing, nothing, nothing).shape[0] == 0


# ---- the quality chain ------------------------------------------------------------------------------------------


def test_mean_recall_of_a_charge_counts_cells_of_two_charges_twice():
    sets = [option for option in STACKED if not option.startswith("run.")]
    scenario = load_scenario(str(PLANTS / "pouch.yaml"), [*sets, "ramp=null"])
    pairs = {side: set() for side in SIDES}
    parents = {}

    def look(visit):
        if isinstance(visit.step, Joiner):
            rows = joining.take(*(lot for lot in visit.came if lot.material in SIDES), visit.step.pieces)
            for side, of_side in zip(SIDES, rows, strict=True):
                web = next(lot for lot in visit.came if lot.material == side)
                parents[side] = web.columns["charge"][of_side].reshape(visit.made.n, -1)

    chain = QualityChain(scenario)
    for ordinal in range(2):
        for lot in chain.lot(ordinal, look):
            for side in SIDES:
                for row in np.flatnonzero(lot.alive()):
                    pairs[side].update((ordinal, int(charge), int(row)) for charge in parents[side][row])
    report = quality(scenario, lots=2, mechanism="overhang")
    for side in SIDES:
        (recall,) = (recall for recall in report.recalls if recall.of == f"{side} charge")
        charges = {(ordinal, charge) for ordinal, charge, _ in pairs[side]}
        assert recall.number == len(charges)
        assert recall.cells == pytest.approx(len(pairs[side]) / len(charges))
        assert recall.cells * len(charges) > report.cells_sold, "some cells are of two charges"
