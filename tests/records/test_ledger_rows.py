"""Every posting in a file, on request only."""

from __future__ import annotations

import gc

import pyarrow.parquet as pq
import pytest

from cellfab.core.ledger import Ledger
from cellfab.core.lot import Lot
from cellfab.records import ledger_rows
from cellfab.run import run_scenario
from cellfab.scenario import load_scenario


def test_rows_are_written_in_groups_and_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger_rows, "_GROUP_ROWS", 7)
    with ledger_rows.ledger_rows(tmp_path) as rows:
        for replicate in (0, 1):
            ledger = Ledger(rows.of(replicate))
            for week in range(10):
                ledger.charge_lot(Lot(2**62 + week, product="ess"), week, "mix", [("labour", 0.1, "h", 4.0)])
                ledger.charge(week, "plant", "heat", 1.0, "kWh", 0.02)
    file = pq.ParquetFile(tmp_path / "ledger_rows.parquet")
    assert file.metadata.num_row_groups == 6
    table = file.read().to_pylist()
    assert len(table) == 40
    assert table[0] == {
        "replicate": 0, "week": 0, "place": "mix", "product": "ess", "lot": 2**62, "account": "labour",
        "quantity": 0.1, "unit": "h", "usd": 4.0,
    }  # fmt: skip
    assert (table[39]["replicate"], table[39]["week"], table[39]["lot"], table[39]["product"]) == (1, 9, 0, "")


def test_nothing_is_left_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), ledger_rows.ledger_rows(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_there_is_no_file():
    with ledger_rows.ledger_rows(None) as rows:
        assert rows is None


def test_a_run_that_is_asked_for_postings_has_them_as_long_as_its_result():
    options = ["run.horizon_h=24", "line.stations.wind.parallel=1"]
    assert run_scenario(load_scenario("ev_4680_dry", options)).records is None
    result = run_scenario(load_scenario("ev_4680_dry", [*options, "run.ledger_rows=true"]))
    folder = result.records
    raw = pq.read_table(folder / "ledger_rows.parquet").to_pandas()
    assert raw["usd"].sum() == pytest.approx(result.costs["usd"].sum(), abs=1e-6 * len(raw))
    del result
    gc.collect()
    assert not folder.exists()
