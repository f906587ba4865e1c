"""Raw rows of the ledger: every single posting of cost, streamed to a file while the run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cellfab.core.ledger import Posting

ROWS_FILE = "ledger_rows.parquet"
_GROUP_ROWS = 1 << 17
"""Postings held in memory before they are written: about 20 MB."""
_WORDS = ("place", "product", "account", "unit")


class LedgerRows:
    """ledger_rows.parquet while it is written: replicate, week, place, product, lot, account, quantity, unit, usd.

    `lot` is the identity that genealogy.parquet has, 0 for a cost that no lot carries. Amounts are as posted, before
    they are rounded to a millionth of their unit.

    Parameters
    ----------
    folder : Path
        Must be there.
    """

    def __init__(self, folder: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = {"replicate": pa.int32(), "week": pa.int32(), "lot": pa.int64(), "quantity": pa.float64()}
        kinds |= {"usd": pa.float64(), **dict.fromkeys(_WORDS, pa.string())}
        names = ("replicate", "week", "place", "product", "lot", "account", "quantity", "unit", "usd")
        self._schema = pa.schema([(name, kinds[name]) for name in names])
        self._path = folder / ROWS_FILE
        self._writer = pq.ParquetWriter(
            self._path, self._schema, version="2.4", compression="snappy", store_schema=False,
            use_dictionary=[*_WORDS, "lot"],
        )  # fmt: skip
        self._waiting: list[tuple[int, Posting]] = []

    def of(self, replicate: int) -> Callable[[Posting], None]:
        """What the ledger of a replicate tells its postings."""

        def add(posting: Posting) -> None:
            self._waiting.append((replicate, posting))
            if len(self._waiting) >= _GROUP_ROWS:
                self._flush()

        return add

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            replicates, postings = zip(*self._waiting, strict=True)
            columns = [replicates, *zip(*postings, strict=True)]
            arrays = [pa.array(column, type=field.type) for column, field in zip(columns, self._schema, strict=True)]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=_GROUP_ROWS)
            self._waiting = []

    def close(self) -> None:
        """Finish the file."""
        self._flush()
        self._writer.close()

    def drop(self) -> None:
        """Remove the unfinished file."""
        self._writer.close()
        self._path.unlink(missing_ok=True)


@contextmanager
def ledger_rows(folder: Path | None) -> Iterator[LedgerRows | None]:
    """The file of a run in `folder`, finished at the end and gone after an error; None without a folder."""
    if folder is None:
        yield None
        return
    rows = LedgerRows(folder)
    try:
        yield rows
        rows.close()
    except BaseException:
        rows.drop()
        raise
