"""A study's results as files: one flat table, and the means and differences that are made of it.

The same results give the same bytes.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from cellfab.study.code import code_digest
from cellfab.study.plan import Study
from cellfab.study.result import StudyResult, in_order
from cellfab.study.statistics import Interval
from cellfab.study.store import StoreError, write_durably
from cellfab.version import VERSION

COLUMNS = {
    "variant": "name of the variant",
    "point": "number of the design point, from 0",
    "scenario": "digest of the scenario",
    "seed": "of all random numbers",
    "replicate": "number, from 0; the same number has the same random numbers in every variant; antithetic pairs are -1"
    " and -2, -3 and -4, ...",
    "status": "done; missing: this figure does not exist here; failed, died: none does; infeasible: no such scenario",
    "metric": "name of the key figure; empty where the replicate failed",
    "value": "number, in the metric's unit; empty where there is none",
    "text": "a figure that is a name, such as bottleneck",
    "unit": "of the value; 1 is a pure number",
    "reason": "why there is no value",
}
"""Columns of results.parquet and results.csv; each factor has a column `factor.NAME` after `point`."""


def table_of(result: StudyResult) -> Any:
    """The flat table; each column says in its metadata what it is."""
    import pyarrow as pa

    study = result.study
    factors = list(study.spec.factors)
    rows: list[tuple[Any, ...]] = []
    for case, outcome in in_order(study, result.counts, result.outcomes):
        task = outcome.task
        head = (case.variant, case.point, *(case.factors[name] for name in factors), case.scenario, task.seed)
        if outcome.failed:
            status = "died" if outcome.died else "failed"
            rows.append((*head, task.replicate, status, None, None, None, None, outcome.reason))
        for metric, value, text, unit, reason in sorted(outcome.figures):
            status = "missing" if value is None and text is None else "done"
            rows.append((*head, task.replicate, status, metric, value, text, unit, reason))
    for one in study.infeasible:
        head = (one.variant, one.point, *(one.factors.get(name) for name in factors), None, study.spec.seed)
        rows.append((*head, None, "infeasible", None, None, None, None, one.reason))
    names = list(COLUMNS)
    cut = names.index("scenario")
    columns = [*names[:cut], *(f"factor.{name}" for name in factors), *names[cut:]]
    data = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    types = {"point": pa.int64(), "seed": pa.int64(), "replicate": pa.int64(), "value": pa.float64()}
    arrays, fields = [], []
    for name, column in zip(columns, data, strict=True):
        if name.startswith("factor."):
            known = [one for one in column if one is not None]
            numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in known)
            kind = pa.float64() if numbers else pa.string()
            texts = [one if isinstance(one, str) or one is None else json.dumps(one) for one in column]
            arrays.append(pa.array(column if numbers else texts, kind))
            about = f"value of the factor {name.removeprefix('factor.')}"
        else:
            kind, about = types.get(name, pa.string()), COLUMNS[name]
            arrays.append(pa.array(column, kind))
        fields.append(pa.field(name, kind, metadata={"description": about}))
    return pa.table(arrays, pa.schema(fields))


def results_parquet(result: StudyResult) -> bytes:
    """The flat table as Parquet."""
    import pyarrow.parquet as pq

    stream = BytesIO()
    pq.write_table(table_of(result), stream, compression="zstd")
    return stream.getvalue()


def results_csv(result: StudyResult) -> bytes:
    """The flat table as CSV: UTF-8, numbers with all their digits, nothing where there is no value."""
    table = table_of(result)
    return _csv(table.column_names, zip(*(column.to_pylist() for column in table.columns), strict=True))


def estimates_csv(result: StudyResult) -> bytes:
    """Means with their intervals."""
    factors = list(result.study.spec.factors)
    head = ["variant", "point", *(f"factor.{name}" for name in factors), "metric", "unit", "n", "failed", "missing",
            "mean", *_ENDS, "plain_half_width", "variance_ratio", "text", "reason"]  # fmt: skip
    return _csv(
        head,
        (
            (
                one.case.variant, one.case.point, *(one.case.factors[name] for name in factors), one.metric, one.unit,
                one.n, one.failed, one.missing, one.mean, *_ends(one.interval),
                None if one.plain is None else one.plain.half_width, one.variance_ratio, one.text, one.reason,
            )
            for one in result.estimates
        ),
    )  # fmt: skip


def differences_csv(result: StudyResult) -> bytes:
    """Differences to the reference."""
    head = ["variant", "reference", "point", "metric", "unit", "n", "mean", *_ENDS, "correlation", "variance_ratio",
            "independent_n"]  # fmt: skip
    return _csv(
        head,
        (
            (
                one.case.variant, one.reference.variant, one.case.point, one.metric, one.unit, one.interval.n,
                one.interval.mean, *_ends(one.interval), one.correlation, one.variance_ratio, one.independent_n,
            )
            for one in result.differences
        ),
    )  # fmt: skip


def parts_csv(result: StudyResult) -> dict[str, bytes]:
    """Tables of the analyses that the study asks for, by the name of the file."""
    sheets = (named for part in result.parts for named in part.sheets().items())
    return {f"{name}.csv": _csv(sheet.head, sheet.rows) for name, sheet in sheets}


def _footings(study: Study) -> list[dict[str, Any]]:
    """What decides whether figures can be compared, and the scenarios that have it."""
    found: dict[str, dict[str, Any]] = {}
    for scenario, footing in study.footings.items():
        lots = {name: list(parts) for name, parts in footing.lots.items()}
        one = {"currency_year": footing.currency_year, "lots": lots}
        found.setdefault(json.dumps(one), {**one, "scenarios": []})["scenarios"].append(scenario)
    return list(found.values())


_ENDS = ("low", "high", "half_width")


def _ends(interval: Interval | None) -> tuple[float | None, ...]:
    return (None, None, None) if interval is None else (interval.low, interval.high, interval.half_width)


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return stream.getvalue().encode()


def write_tables(result: StudyResult, store: Path) -> Path:
    """Write the tables into a folder of the store, one for each state of the study's file; returns it.

    Raises
    ------
    StoreError
        If the disk is full or fails; the results that the tables are made of are kept.
    """
    study = result.study
    folder = store / f"{re.sub(r'[^0-9A-Za-z_.-]+', '_', study.name)}-{study.digest[:8]}"
    manifest = {
        "cellfab": VERSION, "code": code_digest(), "study": study.name, "digest": study.digest,
        "file": str(study.file), "seed": study.spec.seed, "metrics": list(study.spec.figures),
        "confidence_share": study.spec.confidence_share, "ended": result.ended,
        "replicates": {case.label: n for case, n in zip(study.cases, result.counts, strict=True)},
        "ran": result.ran, "reused": result.reused, "failed": len(result.failures), "wall_s": result.seconds,
        "analysed": study.spec.design.kind if study.spec.analysed else None, "infeasible": len(study.infeasible),
        "columns": COLUMNS, "footings": _footings(study),
    }  # fmt: skip
    files = {
        "results.parquet": results_parquet(result),
        "results.csv": results_csv(result),
        "estimates.csv": estimates_csv(result),
        "differences.csv": differences_csv(result),
        **parts_csv(result),
        "study.yaml": study.text.encode(),
        "manifest.json": (json.dumps(manifest, indent=2) + "\n").encode(),
    }
    try:
        folder.mkdir(exist_ok=True)
        for name, data in files.items():
            write_durably(folder / name, data)
    except OSError as error:
        raise StoreError(
            f"the tables cannot be written to '{folder}': {error.strerror or error}. Results are kept: make room and"
            " run the same command again"
        ) from error
    return folder
