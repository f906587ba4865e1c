"""What a run remembers of single cells agrees with its books, and costs nothing where it is not asked for."""

from __future__ import annotations

import gc
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cellfab.config.run_spec import Run
from cellfab.core.causes import cause, describe
from cellfab.core.columns import column
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError, InvariantError
from cellfab.pilot import QualityChain
from cellfab.plant import REMNANT
from cellfab.records.recording import KEY_COLUMNS, SOLD, Files, Recorder, recording
from cellfab.replicate import simulate
from cellfab.run import run_scenario
from cellfab.scenario import cell_columns, load_scenario

NO_RAMP = ("ramp=null", "line.stations.wind.parallel=2")


def record(scenario, folder, seed=1):
    """One replicate, recorded; its plant, cells and lots."""
    with recording(scenario.spec.run, cell_columns(scenario.steps), folder) as files:
        done = simulate(scenario, seed, files=files)
    cells, lots = (pd.read_parquet(folder / f"{name}.parquet") for name in ("cells", "genealogy"))
    return SimpleNamespace(plant=done.plant, flow=done.flow, cells=cells, lots=lots.set_index("lot"))


@pytest.fixture(scope="module")
def full(small_plant, tmp_path_factory):
    scenario = load_scenario("ev_4680_dry", [*small_plant, *NO_RAMP, "run.record=full"])
    return record(scenario, tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="module")
def sample(small_plant, tmp_path_factory):
    sets = [*small_plant, *NO_RAMP, "run.record=sample", "run.record_share=0.4", "run.record_columns=[leak]"]
    return record(load_scenario("ev_4680_dry", sets), tmp_path_factory.mktemp("sample"))


def test_every_cell_is_written_once_with_its_outcome(full):
    plant, cells = full.plant, full.cells
    assert not cells.duplicated(["lot", "row"]).any()
    counts = cells["outcome"].value_counts()
    assert len(cells) == sum(plant.cells_started.values()) > 20_000
    assert counts["sold"] == sum(plant.cells_good.values()) > 0
    assert counts["scrapped"] == sum(plant.cells_scrapped.values()) > 0
    assert counts["inside"] == plant.cells_inside > 0
    sold_kwh = cells.loc[cells["outcome"] == SOLD, "energy_wh"].sum() * 1e-3
    assert sold_kwh == pytest.approx(sum(plant.good_kwh.values()), rel=1e-6)


def test_causes_and_places_are_those_of_the_tally(full):
    gone = full.cells[full.cells["outcome"] == "scrapped"]
    written = gone.groupby(["station", "cause"], observed=True).size().to_dict()
    tallied: dict[tuple[str, str], int] = {}
    for count in full.plant.tally.scraps():
        if full.plant.materials[count.place] == "cell" and count.cause != REMNANT:  # those never became cells
            key = (count.place, f"{describe(count.cause).step}.{describe(count.cause).name}")
            tallied[key] = tallied.get(key, 0) + count.rows
    assert written == tallied


def test_a_cell_has_only_the_columns_of_places_it_came_to(full):
    cells = full.cells
    before = cells["station"].isin(["wind", "assembly.fold", "assembly.can"])
    assert cells.loc[before, ["capacity_ah", "defects", "grade"]].isna().all(axis=None)
    assert cells.loc[before, "overhang_mm"].notna().all()
    formed = cells["station"].isin(["age", "grade"]) | (cells["outcome"] == "sold")
    assert cells.loc[formed, ["capacity_ah", "defects"]].notna().all(axis=None)
    assert (cells.loc[cells["outcome"] == "sold", "grade"] >= 1).all()


def test_recording_changes_nothing_in_the_run(full, small_plant):
    plain = simulate(load_scenario("ev_4680_dry", [*small_plant, *NO_RAMP]), 1)
    assert list(plain.plant.tally.scraps()) == list(full.plant.tally.scraps())
    assert plain.plant.cells_good == full.plant.cells_good
    assert plain.flow.events == full.flow.events


def test_cells_know_their_rows_and_charges(full, small_plant):
    """Recorded cells of the first lot against the same lot sent down the line without a clock."""
    chain = QualityChain(load_scenario("ev_4680_dry", [*small_plant, *NO_RAMP]), seed=1)
    charge = {}

    def look(visit):
        if visit.place.step == "dry_film":
            charge[visit.made.material] = visit.made.columns["charge"].copy()

    (lot,) = chain.lot(0, look)
    cells = full.cells[full.cells["lot"] == "wind-0"]
    assert len(cells) == lot.n
    for side in ("cathode", "anode"):
        row = lot.columns[f"{side}_row"]
        assert np.array_equal(cells[f"{side}_row"], row)
        assert np.array_equal(cells[f"{side}_charge"], charge[side][row])
        assert set(cells[f"{side}_lot"]) == {f"{side}_film-0"}
    assert len(np.unique(cells["cathode_charge"])) > 3
    alive = lot.alive()
    for name in ("capacity_measured_ah", "k_measured_mv_per_d"):
        assert np.array_equal(cells[name].to_numpy()[alive], lot.columns[name][alive])


def test_a_sample_is_made_of_whole_lots_of_the_full_record(full, sample):
    chosen = set(sample.cells["lot"])
    everything = set(full.cells["lot"])
    assert 0 < len(chosen) < len(everything)
    shared = list(full.cells.columns)
    same = full.cells[full.cells["lot"].isin(chosen)].sort_values(["lot", "row"])[shared].reset_index(drop=True)
    found = sample.cells.sort_values(["lot", "row"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(found[shared], same)
    assert (found.loc[found["outcome"] == "sold", "leak"] >= 0).all(), "a column asked for besides"
    flags = sample.lots["recorded"].dropna().astype(bool)
    assert set(flags[flags].index) == chosen


def test_every_lot_is_in_the_genealogy_after_its_parents(full):
    lots = full.lots
    assert lots.index.is_unique
    assert lots["identity"].is_unique
    order = {name: place for place, name in enumerate(lots.index)}
    for name, facts in lots.iterrows():
        assert all(order[parent] < order[name] for parent in facts["parents"].split())
    wound = lots[lots["material"] == "cell"]
    assert set(wound.index) == set(full.cells["lot"])
    assert (lots["length_m"].dropna() == (lots["positions"] * lots["pitch_m"]).dropna()).all()


def test_a_run_keeps_its_files_as_long_as_its_result(small_plant):
    sets = [*small_plant, "run.horizon_h=60", "run.record=full"]
    result = run_scenario(load_scenario("ev_4680_dry", sets), replicates=2)
    folder = result.records
    cells = pd.read_parquet(folder / "cells.parquet")
    assert set(cells["replicate"]) == {0, 1}
    assert not cells.duplicated(["replicate", "lot", "row"]).any()
    del result
    gc.collect()
    assert not folder.exists()


def test_nothing_is_recorded_unless_asked(small_plant):
    assert run_scenario(load_scenario("ev_4680_dry", [*small_plant, "run.horizon_h=24"])).records is None


def test_after_an_error_no_half_file_is_left(tmp_path):
    run = Run(horizon_h=1.0, record="full")
    with pytest.raises(InvariantError), recording(run, KEY_COLUMNS, tmp_path):
        raise InvariantError("boom")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "sets", "message"),
    [
        ("mm1", ["run.record=full"], "a bare line has no cells to record"),
        ("ev_4680_dry", ["run.record_columns=[capacity_a]"], "did you mean 'capacity_ah'"),
        ("ev_4680_dry", ["run.record_columns=[charge]"], "no step of this line writes a column 'charge' of cells"),
        ("ev_4680_dry", ["run.record_share=0"], "0 is not above 0"),
    ],
)
def test_what_cannot_be_recorded_is_an_error(name, sets, message):
    with pytest.raises(ConfigError, match=message):
        load_scenario(name, sets)


# ---- the recorder alone -----------------------------------------------------------------------------------------

SPEED = column("test_speed_m_per_s", "float32", "m/s", "of a test")
DENT = cause("test", "dent", "dented in a test")
DROP = cause("test", "drop", "dropped in a test")


class Heard:
    """Stands in for the files."""

    def __init__(self):
        self.lots, self.tracks = [], {}

    def lot(self, facts):
        self.lots.append(facts)

    def cells(self, replicate, name, lot, code, outcome, track, places):
        left = [places[number] if number >= 0 else "" for number in track.left_at]
        self.tracks[name] = SimpleNamespace(outcome=outcome, left=left, columns=track.columns, links=track.links)


@pytest.fixture
def recorder():
    heard = Heard()
    made = Recorder(Run(horizon_h=1.0, record="full", record_columns=(SPEED,)), 1, 0, heard)
    return SimpleNamespace(tells=made, heard=heard)


def test_rows_are_lost_where_they_are_lost(recorder):
    source = Lot(1, material="cathode")
    recorder.tells.came([source])
    cells = source.child("wind", n=4, unit="cells", amount=4.0, material="cell")
    cells.columns["cathode_row"] = np.array([5, 6, 7, 8], np.int32)
    recorder.tells.made("wind", [source], cells)
    cells.scrap(np.array([True, False, False, False]), DENT)
    recorder.tells.passed("wind", cells)
    cells.columns[SPEED] = np.array([1.0, 2.0, 3.0, 4.0], np.float32)
    cells.scrap(np.array([True, True, False, False]), DENT)
    recorder.tells.passed("roll", cells, (SPEED,))
    cells.scrap(np.ones(4, bool), DROP)
    recorder.tells.passed("store", cells)
    recorder.tells.left(cells, "scrapped")
    recorder.tells.close()
    (track,) = recorder.heard.tracks.values()
    assert track.left == ["wind", "roll", "store", "store"]
    assert np.array_equal(track.columns[SPEED], [np.nan, 2.0, 3.0, 4.0], equal_nan=True)
    link = track.links["cathode"]
    assert link.lot == "cathode-0"
    assert list(link.row) == list(link.last_row) == [5, 6, 7, 8]
    assert link.skipped is None, "one piece per cell"
    assert set(link.charge) == {-1}, "that lot kept no charges apart"


def test_two_lots_of_one_number_get_two_names(recorder):
    recorder.tells.came([Lot(1, material="anode"), Lot(2_000_001, material="anode")])
    assert [lot["lot"] for lot in recorder.heard.lots] == ["anode-0", "anode-0-000001"]


def test_a_lot_whose_parent_never_came_is_an_error(recorder):
    stranger = Lot(7, material="anode")
    with pytest.raises(InvariantError, match="never existed"):
        recorder.tells.made("film", [stranger], stranger.child("film", n=2, unit="m", amount=2.0))


def test_row_groups_hold_whole_lots(tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    monkeypatch.setattr("cellfab.records.recording._GROUP_ROWS", 5)
    files = Files(tmp_path, ())
    tells = Recorder(Run(horizon_h=1.0, record="full"), 1, 0, files)
    for ordinal in range(4):
        lot = Lot(10 + ordinal, ordinal=ordinal, material="cell", n=3)
        tells.came([lot])
        tells.made("wind", [lot], child := lot.child("wind", n=3, unit="cells", amount=3.0))
        tells.left(child, SOLD)
    files.close()
    parquet = pq.ParquetFile(tmp_path / "cells.parquet")
    assert [parquet.metadata.row_group(k).num_rows for k in range(parquet.num_row_groups)] == [6, 6]
    assert [len(set(parquet.read_row_group(k)["lot"].to_pylist())) for k in range(2)] == [2, 2]
    assert parquet.read()["lot"].to_pylist()[::3] == [f"wind-{k}" for k in range(4)]
