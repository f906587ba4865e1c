"""SQL over the folder of a run, and the headline cost found again in its tables."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from cellfab.errors import ConfigError, UsageError
from cellfab.records.query import batches, examples, run_tables, save
from cellfab.report.folder import write_run_folder
from cellfab.report.query_text import SHOWN_ROWS, TABLES, answer_text, unit_of
from cellfab.report.tables import _TABLES as WRITTEN

if TYPE_CHECKING:
    from conftest import Outcome, SmallRun

DOCUMENT = Path(__file__).parents[2] / "docs" / "cost-from-ledger.md"


@pytest.fixture(scope="module")
def run_folder(small_run: SmallRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    parent = tmp_path_factory.mktemp("runs")
    return write_run_folder(small_run.result, small_run.scenario.resolved_yaml(), parent)


def asked(folder: Path, sql: str) -> list[dict]:
    with run_tables(folder) as tables:
        return tables.ask(sql).read_all().to_pylist()


def test_headline_cost_is_found_again_in_the_tables(run_folder: Path, small_run: SmallRun) -> None:
    """To a millionth of a cent: sums of doubles of whole micro-dollars."""
    (_, sql), *_ = examples()
    (row,) = asked(run_folder, sql)
    assert row["cost_usd_per_kwh"] == pytest.approx(small_run.result.kpi["cost_usd_per_kwh"].value, abs=1e-8)


def test_accounts_lead_from_the_headline_to_the_ledger(run_folder: Path, small_run: SmallRun) -> None:
    """What an account bears is what was posted to it, less what was returned and what is still in the line."""
    _, (_, sql), _ = examples()
    rows = asked(run_folder, sql)
    ledger = small_run.plant.ledger
    recycled = {income.account for income in ledger.incomes() if income.account.startswith("recycling.")}
    assert recycled
    assert {row["account"] for row in rows} == set(ledger.units) | recycled
    inside = ledger.work_in_progress()
    for row in rows:
        assert row["in_line"] == pytest.approx(inside.get(row["account"], (0.0, 0.0))[1], abs=1e-4)
    headline = small_run.result.kpi["cost_usd_per_kwh"].value
    assert sum(row["usd_per_kwh"] for row in rows) == pytest.approx(headline, abs=1e-8)
    assert any(row["returned"] > 0 for row in rows)


def test_cash_cost_and_scrap_are_found_again(run_folder: Path, small_run: SmallRun) -> None:
    (row,) = asked(
        run_folder,
        """SELECT (sum(usd) FILTER (WHERE account NOT IN ('capital', 'building', 'working_capital'))
                   - (SELECT sum(usd) FROM incomes WHERE account LIKE 'recycling.%'))
           / (SELECT sum(energy_kwh) FROM releases WHERE holding = 'finished_good') AS cash,
           sum(usd) FILTER (WHERE holding = 'scrap') AS scrap FROM holdings WHERE holding <> 'returned'""",
    )
    kpi = small_run.result.kpi
    assert row["cash"] == pytest.approx(kpi["cash_cost_usd_per_kwh"].value, abs=1e-8)
    assert row["scrap"] == pytest.approx(kpi["scrap_cost_usd"].value, abs=1e-4)
    # The same money by station and cause, as the table of scrap has it.
    (by_cause,) = asked(run_folder, "SELECT sum(usd) AS usd FROM releases WHERE holding = 'scrap'")
    assert by_cause["usd"] == pytest.approx(row["scrap"], abs=1e-4)


def test_key_figures_are_a_table(run_folder: Path, small_run: SmallRun) -> None:
    rows = {row["name"]: row for row in asked(run_folder, "FROM kpi")}
    assert set(rows) == set(small_run.result.kpi)
    assert rows["bottleneck"]["text"] == small_run.result.kpi["bottleneck"].value
    assert rows["bottleneck"]["value"] is None
    assert rows["cost_usd_per_kwh"]["unit"] == "USD/kWh"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT * FROM ledgr", 'Did you mean "ledger"'),
        ("SELECT usdd FROM ledger", 'Candidate bindings: "usd"'),
        ("SELEC 1", "syntax error"),
        ("SELECT 1; SELECT 2", "one SQL statement at a time, not 2"),
        ("-- nothing", "not 0"),
        ("CREATE TABLE t AS FROM ledger", "only read"),
        ("COPY ledger TO 'ledger.csv'", "only read"),
        ("EXPLAIN ANALYZE COPY ledger TO 'ledger.csv'", "only read"),
        ("ATTACH 'other.db'", "only read"),
        ("INSTALL httpfs", "only read"),
        ("SET enable_external_access = true", "only read"),
        ("FROM read_csv('/etc/hostname')", "nothing else"),
        ("FROM read_parquet('https://example.org/x.parquet')", "nothing else"),
        ("FROM glob('/*')", "nothing else"),
    ],
)
def test_wrong_or_forbidden_sql_is_refused(run_folder: Path, sql: str, told: str) -> None:
    before = {path.name: path.read_bytes() for path in run_folder.iterdir()}
    with run_tables(run_folder) as tables, pytest.raises(UsageError, match=re.escape(told)):
        tables.ask(sql)
    assert {path.name: path.read_bytes() for path in run_folder.iterdir()} == before


def test_a_missing_table_is_told_with_those_there_are(run_folder: Path) -> None:
    with (
        run_tables(run_folder) as tables,
        pytest.raises(UsageError, match=r"Tables of this run: .*holdings, .*kpi, led"),
    ):
        tables.ask("FROM cells")


def test_what_goes_wrong_late_is_wrong_usage_too(run_folder: Path, tmp_path: Path) -> None:
    sql = "SELECT CASE WHEN a = 900000 THEN error('late') ELSE a END AS a FROM range(1000000) AS t(a)"
    with run_tables(run_folder) as tables, pytest.raises(UsageError, match="late"):
        list(batches(tables.ask(sql)))
    with run_tables(run_folder) as tables, pytest.raises(UsageError, match="late"):
        save(tables.ask(sql), tmp_path / "late.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".CSV"])
def test_answers_are_saved(run_folder: Path, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"answer{ending}"
    path.write_text("old")
    with run_tables(run_folder) as tables:
        rows = save(tables.ask("SELECT account, sum(usd) AS usd FROM ledger GROUP BY account ORDER BY account"), path)
    table = pq.read_table(path) if ending == ".parquet" else pyarrow.csv.read_csv(path)
    assert table.num_rows == rows == len(asked(run_folder, "SELECT DISTINCT account FROM ledger"))
    assert table.column_names == ["account", "usd"]
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_saving_elsewhere_is_refused(run_folder: Path, tmp_path: Path) -> None:
    with run_tables(run_folder) as tables:
        with pytest.raises(UsageError, match=r"end its name in \.csv or \.parquet"):
            save(tables.ask("SELECT 1"), tmp_path / "answer.xlsx")
        with pytest.raises(UsageError, match="cannot write"):
            save(tables.ask("SELECT 1"), tmp_path / "nowhere" / "answer.csv")


def test_folders_that_are_no_run(tmp_path: Path, run_folder: Path) -> None:
    with pytest.raises(UsageError, match="no folder"), run_tables(tmp_path / "x"):
        pass
    with pytest.raises(UsageError, match="not the folder of a run"), run_tables(tmp_path):
        pass
    broken = tmp_path / "broken"
    shutil.copytree(run_folder, broken)
    (broken / "ledger.parquet").write_bytes(b"PAR1 is not enough")
    with pytest.raises(ConfigError, match=r"ledger\.parquet: cannot be read"), run_tables(broken):
        pass
    (broken / "kpi.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"kpi\.json: cannot be read"), run_tables(broken):
        pass


def test_quotes_in_names_are_names(tmp_path: Path, run_folder: Path) -> None:
    odd = tmp_path / 'it\'s a "run"'
    shutil.copytree(run_folder, odd)
    shutil.copy(odd / "steps.parquet", odd / 'my "own" table.parquet')
    (found,) = asked(odd, 'SELECT count(*) AS n FROM "my ""own"" table"')
    assert found["n"] == pq.read_table(odd / "steps.parquet").num_rows


def test_every_written_table_is_explained_and_every_number_has_a_unit() -> None:
    assert set(WRITTEN) <= set(TABLES)
    for name, (_, columns) in WRITTEN.items():
        for column, kind in columns.items():
            assert kind != "float64" or unit_of(name, column), f"{name}.{column} has no unit in report/query_text.py"


def test_command_lists_and_answers(command: Callable[..., Outcome], run_folder: Path) -> None:
    listed = command("query", str(run_folder))
    assert listed.code == 0
    for text in ("ledger (", "usd [$]", "good_energy_mwh [MWh]", "Questions to begin with", "FROM holdings"):
        assert text in listed.out
    answer = command("query", str(run_folder), "SELECT station, sum(usd) AS usd FROM ledger GROUP BY station")
    assert answer.code == 0
    assert answer.out.splitlines()[0].split() == ["station", "usd"]
    assert command("query", str(run_folder), "FROM ledgr").code == 2
    assert command("query", "nowhere").code == 2
    assert command("query", str(run_folder), "--save", "x.csv").code == 2
    assert command("query", str(run_folder), "FROM kpi", "--json", "--save", "x.csv").code == 2
    saved = command("query", str(run_folder), "FROM steps", "--save", "steps.csv")
    assert (saved.code, saved.out) == (0, "")
    assert Path("steps.csv").read_text().startswith('"replicate","product"')


def test_command_prints_one_document(command: Callable[..., Outcome], run_folder: Path) -> None:
    listed = json.loads(command("query", str(run_folder), "--json").out)
    assert {table["name"] for table in listed["tables"]} >= {"ledger", "holdings", "releases", "kpi"}
    (ledger,) = (table for table in listed["tables"] if table["name"] == "ledger")
    assert {"name": "usd", "type": "double", "unit": "$"} in ledger["columns"]
    sql = "SELECT 1 AS a, 'nan'::DOUBLE AS b, sum(week) AS c, DATE '2026-01-05' AS d, [1.5] AS e, 2.5 AS f FROM ramp"
    answer = json.loads(command("query", str(run_folder), sql, "--json").out)
    assert answer["schema_version"] == 1
    assert [column["name"] for column in answer["columns"]] == list("abcdef")
    assert answer["rows"] == [[1, None, 1, "2026-01-05", [1.5], 2.5]]


def test_long_answers_are_cut_on_the_terminal_only() -> None:
    table = pa.table({"n": list(range(SHOWN_ROWS + 1)), "text": ["a\nb"] + ["x" * 100] * SHOWN_ROWS})
    lines = answer_text(table.to_reader()).splitlines()
    assert len(lines) == SHOWN_ROWS + 3
    assert lines[2].split() == ["0", "a", "b"]
    assert "more than" in lines[-1]
    assert max(map(len, lines[:-1])) <= 80
    assert answer_text(table.slice(0, 0).to_reader()).splitlines()[-1] == "(no rows)"


def test_queries_of_the_document_run(run_folder: Path) -> None:
    """The page on how to follow a dollar holds the examples that the command gives, and all of it can be asked."""
    text = DOCUMENT.read_text(encoding="utf-8")
    queries = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert len(queries) >= len(examples())
    for _, sql in examples():
        assert sql in text
    for sql in queries:
        assert asked(run_folder, sql)
