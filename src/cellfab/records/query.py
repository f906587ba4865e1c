"""SQL over the tables of a run's folder: DuckDB reads them, and can neither change them nor reach anything else.

Every Parquet file of the folder is a view of its name, and the key figures of kpi.json are the table `kpi`. Only
questions are taken (SELECT and its short forms: FROM, WITH, VALUES, PIVOT, DESCRIBE, SUMMARIZE, SHOW): no file outside
the folder is read, none is written, and no extension is fetched.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cellfab.errors import ConfigError, UsageError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

KPI = "kpi"
MEMORY_LIMIT = "2GB"
"""Beyond that, sorts and groups spill to a temporary folder."""
_BATCH_ROWS = 65_536
_WRITERS = (".csv", ".parquet")
_EXAMPLES = (
    (
        "The headline cost_usd_per_kwh: value that left the line less what recyclers paid, over the energy sold",
        """SELECT replicate, (cost.usd - coalesce(scrap.usd, 0)) / good.kwh AS cost_usd_per_kwh
FROM (SELECT replicate, sum(usd) AS usd FROM holdings WHERE holding <> 'returned' GROUP BY replicate) AS cost
JOIN (SELECT replicate, sum(energy_kwh) AS kwh FROM releases WHERE holding = 'finished_good' GROUP BY replicate) AS good
USING (replicate)
LEFT JOIN (SELECT replicate, sum(usd) AS usd FROM incomes WHERE account LIKE 'recycling.%' GROUP BY replicate) AS scrap
USING (replicate)""",
    ),
    (
        "The same by account, down to the ledger: posted - returned - still in the line = borne",
        """SELECT account, posted, returned, posted - returned - borne AS in_line, borne,
       borne / (SELECT sum(energy_kwh) FROM releases WHERE holding = 'finished_good') AS usd_per_kwh
FROM (SELECT account, sum(usd) AS posted FROM ledger GROUP BY account
      UNION ALL SELECT account, -sum(usd) FROM incomes WHERE account LIKE 'recycling.%' GROUP BY account)
JOIN (SELECT account, coalesce(sum(usd) FILTER (WHERE holding <> 'returned'), 0) AS borne,
             coalesce(sum(usd) FILTER (WHERE holding = 'returned'), 0) AS returned FROM holdings GROUP BY account
      UNION ALL SELECT account, -sum(usd), 0 FROM incomes WHERE account LIKE 'recycling.%' GROUP BY account)
USING (account)
ORDER BY borne DESC""",
    ),
    (
        "The ledger rows behind one account, the dearest first",
        """SELECT week, place, step, product, quantity, unit, usd FROM ledger
WHERE account = (SELECT account FROM ledger GROUP BY account ORDER BY sum(usd) DESC LIMIT 1)
ORDER BY usd DESC LIMIT 10""",
    ),
)


class Shape(NamedTuple):
    """What a table holds: its name, how many rows, and (name, type) of every column."""

    name: str
    rows: int
    columns: tuple[tuple[str, str], ...]


def examples() -> tuple[tuple[str, str], ...]:
    """Questions worth asking of any plant's run, each with its SQL: from the headline to the rows of the ledger."""
    return _EXAMPLES


class RunTables:
    """The tables of one run, open for questions; made by `run_tables`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def shapes(self) -> tuple[Shape, ...]:
        """Every table with its columns, by name."""
        found = []
        for (name,) in self._connection.execute("SHOW TABLES").fetchall():
            columns = self._connection.execute(f'DESCRIBE "{name}"').fetchall()
            (rows,) = self._connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0]
            found.append(Shape(name, rows, tuple((column[0], str(column[1]).lower()) for column in columns)))
        return tuple(found)

    def ask(self, sql: str) -> pa.RecordBatchReader:
        """Answer one question, batch by batch.

        Raises
        ------
        UsageError
            If the SQL is wrong, is more than one statement, or is no question; the message names what is known.
        """
        import duckdb

        try:
            statements = duckdb.extract_statements(sql)
            if len(statements) != 1:
                raise UsageError(f"one SQL statement at a time, not {len(statements)}")
            if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI):
                raise UsageError("a run is only read: write a SELECT (--save FILE keeps its answer)")
            return self._connection.sql(sql).to_arrow_reader(_BATCH_ROWS)
        except duckdb.Error as error:
            raise self._refusal(error) from error

    def _refusal(self, error: duckdb.Error) -> UsageError:
        import duckdb

        text = str(error).rstrip()
        if isinstance(error, duckdb.PermissionException):
            text = "a query reads the tables of its run and nothing else"
        if "Table with name" in text or isinstance(error, duckdb.PermissionException):
            known = ", ".join(name for (name,) in self._connection.execute("SHOW TABLES").fetchall())
            text += f"\nTables of this run: {known}"
        return UsageError(text)


@contextmanager
def run_tables(folder: Path) -> Iterator[RunTables]:
    """Open the tables of a run's folder.

    Raises
    ------
    UsageError
        If there is no such folder, or it is not one that a run wrote.
    ConfigError
        If one of its files cannot be read.
    """
    import duckdb

    figures = read_figures(folder)
    files = sorted(path.absolute() for path in folder.glob("*.parquet"))
    with tempfile.TemporaryDirectory(prefix="cellfab-query-") as spill:
        connection = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": spill,
            },
        )
        with connection:
            connection.register(KPI, figures)
            for path in files:
                try:
                    connection.execute(f"CREATE VIEW {_name(path.stem)} AS FROM read_parquet({_text(path)})")
                except duckdb.Error as error:
                    raise ConfigError(f"{path}: cannot be read: {error}") from error
            # From here on the views' own files are all that can be opened, and no setting can be changed back.
            connection.execute(f"SET allowed_paths = [{', '.join(map(_text, files))}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield RunTables(connection)


def read_figures(folder: Path) -> pa.Table:
    """Key figures of a run's folder: name, value (null for a text), text, unit, ci_low, ci_high, n, reason.

    Raises
    ------
    UsageError
        If there is no such folder, or it is not one that a run wrote.
    ConfigError
        If kpi.json cannot be read.
    """
    import pyarrow as pa

    path = folder / "kpi.json"
    if not folder.is_dir():
        raise UsageError(f"no folder '{folder}'; `cellfab run` says at its end where it wrote one")
    if not path.is_file():
        raise UsageError(f"'{folder}' is not the folder of a run: it has no kpi.json")
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            {
                "name": name,
                "value": None if isinstance(kpi["value"], str) else kpi["value"],
                "text": kpi["value"] if isinstance(kpi["value"], str) else None,
                "unit": kpi["unit"],
                "ci_low": kpi["ci_low"],
                "ci_high": kpi["ci_high"],
                "n": kpi["n"],
                "reason": kpi.get("reason"),
            }
            for name, kpi in document["kpi"].items()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    text, number = pa.string(), pa.float64()
    return pa.Table.from_pylist(
        rows,
        pa.schema(
            [
                ("name", text), ("value", number), ("text", text), ("unit", text), ("ci_low", number),
                ("ci_high", number), ("n", pa.int64()), ("reason", text),
            ]
        ),
    )  # fmt: skip


def batches(answer: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The batches of an answer; what goes wrong only while it is read is told as `RunTables.ask` tells it.

    Raises
    ------
    UsageError
    """
    import duckdb
    import pyarrow as pa

    try:
        yield from answer
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise UsageError(str(error).rstrip()) from error


def save(answer: pa.RecordBatchReader, path: Path) -> int:
    """Write an answer as CSV or Parquet, by the file's ending; it appears whole or not at all.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    UsageError
        If the ending is neither, or the file cannot be written.
    """
    refuse_unknown_ending(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.", suffix=".tmp")
        os.close(handle)
        partial = Path(name)
        try:
            rows = _write(answer, partial, path.suffix.lower())
            partial.chmod(0o644)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write '{path}': {error.strerror or error}") from error
    return rows


def refuse_unknown_ending(path: Path) -> None:
    """Say before a long query that its answer could not be saved under that name.

    Raises
    ------
    UsageError
        Unless the name ends in .csv or .parquet.
    """
    if path.suffix.lower() not in _WRITERS:
        raise UsageError(f"cannot tell the format of '{path}': end its name in {' or '.join(_WRITERS)}")


def _write(answer: pa.RecordBatchReader, path: Path, suffix: str) -> int:
    import pyarrow.csv
    import pyarrow.parquet as pq

    rows = 0
    writer: Any = (
        pyarrow.csv.CSVWriter(path, answer.schema)
        if suffix == ".csv"
        else pq.ParquetWriter(path, answer.schema, version="2.4", data_page_version="1.0", store_schema=False)
    )
    with writer:
        for batch in batches(answer):
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
