"""Parts of the HTML pages: charts and tables with their data, templates, and files that appear whole."""

from __future__ import annotations

import json
import os
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from cellfab.report import labels, style
from cellfab.report.numbers import MISSING, is_number, number

_MOST_ROWS = 300


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is shown, and the whole of it as a link."""

    name: str
    columns: tuple[tuple[str, bool], ...]
    """Heading, and whether the column holds numbers."""
    rows: tuple[tuple[str, ...], ...]
    total_rows: int
    csv: str
    """The full table as a `data:` address."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with the sentence it tells, and its numbers as a table."""

    id: str
    title: str
    caption: str
    figure: Markup
    height: int
    table: Table


def write_whole(page: str, path: Path) -> None:
    """Write a page to a file that appears whole or not at all; its folder must exist."""
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(page)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def fill(template: str, content: Mapping[str, Any]) -> str:
    """A page of the folder `template` with its content, looks, script and plotly.js inside."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cellfab.report", "template"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    source = environment.loader
    assert source is not None
    parts = {name: Markup(source.get_source(environment, name)[0]) for name in ("page.css", "page.js")}
    return environment.get_template(template).render(
        **content,
        css=parts["page.css"],
        script=parts["page.js"],
        plotly=Markup(get_plotlyjs()),
        config=as_json(style.CONFIG),
    )


def make_chart(name: str, title: str, caption: str, figure: go.Figure, frame: pd.DataFrame) -> Chart:
    """A chart and its numbers."""
    spec = figure.to_plotly_json()
    return Chart(name, title, caption, as_json(spec), int(figure.layout.height), make_table(name, frame))


def as_json(value: Any) -> Markup:
    """JSON that can stand inside a script element: no "<", so no text can end it."""
    text = json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def make_table(name: str, frame: pd.DataFrame) -> Table:
    """A frame as a table: its first rows shown, all of them as CSV."""
    columns = tuple((labels.words(str(c)), pd.api.types.is_numeric_dtype(frame[c])) for c in frame.columns)
    rows = tuple(tuple(cell_text(value) for value in row) for row in frame.head(_MOST_ROWS).itertuples(index=False))
    return Table(name, columns, rows, len(frame), as_csv(frame))


def as_csv(frame: pd.DataFrame) -> str:
    """A frame as a `data:` address."""
    text = frame.to_csv(index=False, lineterminator="\n", float_format="%.10g")
    return "data:text/csv;charset=utf-8;base64," + b64encode(text.encode("utf-8")).decode("ascii")


def cell_text(value: Any) -> str:
    """A value as it stands in a table."""
    if isinstance(value, str):
        return value
    plain = value.item() if hasattr(value, "item") else value
    return number(plain, 4) if is_number(plain) else MISSING
