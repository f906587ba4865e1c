"""Results as the bytes of a Parquet file, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

from cellfab.study.task import Task
from cellfab.study.worker import Curve, Figure, Outcome

_COLUMNS = (
    "scenario", "seed", "replicate", "code", "status", "failure", "seconds",
    "metric", "value", "text", "unit", "reason", "curve",
)  # fmt: skip
"""A row is a figure, or (with `curve`, packed) a figure by week."""

_UNRATED = " unrated"


def code_of_result(code: str, task: Task) -> str:
    """What a result is of, besides its scenario and numbers: the code, and whether some figures were left out."""
    return code if task.rated else f"{code}{_UNRATED}"


def status(outcome: Outcome) -> str:
    """done, failed or died."""
    return "died" if outcome.died else "failed" if outcome.failed else "done"


def _schema() -> Any:
    import pyarrow as pa

    number, text = pa.float64(), pa.string()
    types: Mapping[str, Any] = {"replicate": pa.int64(), "seconds": number, "value": number, "curve": pa.binary()}
    return pa.schema([(name, types.get(name, text)) for name in _COLUMNS])


def encoded(outcomes: Sequence[Outcome], code: str) -> bytes:
    """Results as a Parquet file; a failed one is a single row without a metric."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[tuple[Any, ...]] = []
    for outcome in outcomes:
        task = outcome.task
        head = (
            task.scenario, str(task.seed), task.replicate, code_of_result(code, task), status(outcome), outcome.reason,
            outcome.seconds,
        )  # fmt: skip
        rows += [(*head, *figure, None) for figure in outcome.figures or (Figure("", None, None, "", ""),)]
        rows += [(*head, curve.name, None, None, curve.unit, "", curve.packed) for curve in outcome.curves]
    columns = list(zip(*rows, strict=True))
    schema = _schema()
    table = pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema)
    stream = BytesIO()
    pq.write_table(table, stream, compression="zstd")
    return stream.getvalue()


def decoded(data: bytes) -> Iterator[tuple[str, Outcome]]:
    """Code and result of everything in a part."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(BytesIO(data))
    if "curve" not in table.column_names:  # written by a version that kept none
        table = table.append_column("curve", pa.nulls(len(table), pa.binary()))
    heads: dict[tuple[Any, ...], tuple[list[Figure], list[Curve]]] = {}
    for row in zip(*(table.column(name).to_pylist() for name in _COLUMNS), strict=True):
        figures, curves = heads.setdefault(row[:7], ([], []))
        metric, value, text, unit, reason, packed = row[7:]
        if packed is not None:
            curves.append(Curve(metric, unit, packed))
        elif metric:
            figures.append(Figure(metric, value, text, unit, reason))
    for (scenario, seed, replicate, code, ended, failure, seconds), (figures, curves) in heads.items():
        task = Task(scenario, int(seed), int(replicate), rated=not code.endswith(_UNRATED))
        yield code, Outcome(task, tuple(figures), failure, ended == "died", seconds, tuple(curves))
