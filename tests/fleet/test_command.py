"""`cellfab run` on a fleet: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from cellfab.cli.app import app
from cellfab.fleet.result import TABLES


def run(*arguments):
    return CliRunner().invoke(app, ["run", *map(str, arguments)])


@pytest.fixture(scope="module")
def made(tmp_path_factory, texts):
    """One run of the small fleet: the folder of its files, that of the result, and the text."""
    folder = tmp_path_factory.mktemp("fleet")
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    done = run(folder / "fleet.yaml", "--workers", 0, "--out", folder / "runs")
    assert done.exit_code == 0, done.output
    (written,) = (folder / "runs").iterdir()
    return folder, written, done.output


def test_the_text_has_market_and_plants(made):
    _, written, text = made
    assert "2 plants sell" in text
    assert "Market, means of all replicates:" in text
    assert "import parity, $/kWh" in text
    for name in ("north", "south", "2026", "all", written.name):
        assert name in text


def test_the_folder_has_every_table_with_its_columns(made):
    _, written, _ = made
    names = {"manifest.json", "resolved.yaml", "kpi.json", "kpi.csv", "columns.json", "report.html"}
    assert {path.name for path in written.iterdir()} == names | {f"{table}.parquet" for table in TABLES}
    for table, columns in TABLES.items():
        assert list(pd.read_parquet(written / f"{table}.parquet").columns) == list(columns)
    told = json.loads((written / "columns.json").read_text())
    assert told["plants"]["sold_mwh"] == "of them sold, MWh"
    plants = pd.read_parquet(written / "plants.parquet")
    assert len(plants) == 2 * 2 * 52
    assert plants.duplicated(["replicate", "plant", "week"]).sum() == 0


def test_the_page_is_whole_and_offline(made):
    page = (made[1] / "report.html").read_text(encoding="utf-8")
    for title in ("Storage cells by plant, against demand", "Price and import parity", "Tax credits paid",
                  "Who serves the demand", "Each plant"):  # fmt: skip
        assert title in page
    assert "<script src" not in page


def test_json_is_one_document_and_the_same_run_writes_the_same_bytes(made):
    folder, written, _ = made
    done = run(folder / "fleet.yaml", "--workers", 0, "--out", folder / "again", "--json")
    document = json.loads(done.stdout)
    assert document["schema_version"] == 1
    assert document["fleet"]["plants"] == ["north", "south"]
    assert document["kpi"]["sold_gwh"]["n"] == 2
    assert document["kpi"]["sold_gwh"]["unit"] == "GWh"
    for path in written.iterdir():
        if path.name != "manifest.json":
            assert (folder / "again" / written.name / path.name).read_bytes() == path.read_bytes(), path.name


def test_what_goes_with_one_and_not_with_the_other(made, command):
    done = command("run", str(made[0] / "fleet.yaml"), "--engine", "simpy")
    assert (done.code, done.out) == (2, "")
    assert "--engine goes with a scenario" in done.err
    done = command("run", "mm1", "--workers", "2")
    assert (done.code, done.out) == (2, "")
    assert "--workers goes with a fleet" in done.err
