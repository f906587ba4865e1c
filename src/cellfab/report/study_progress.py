"""The running picture of a study on a terminal: a bar with the time left, and how well each figure is known by now."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cellfab.report.numbers import MISSING, percent
from cellfab.report.study_words import mean_and_width
from cellfab.study.conduct import Progress
from cellfab.study.replication import Width

_MOST_ROWS = 15
_EVERY_S = 0.5


@contextmanager
def study_progress(name: str, *, shown: bool) -> Iterator[Callable[[Progress], None]]:
    """Show the picture on stderr if that is a terminal; yields the function that is told how far the study is."""
    if not shown or not sys.stderr.isatty():
        yield lambda _progress: None
        return
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    bar = Bar(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    task = bar.add_task(name, total=None, left="")
    last = -_EVERY_S

    with Live(bar, console=Console(stderr=True), transient=True, refresh_per_second=4) as live:

        def show(progress: Progress) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < _EVERY_S and progress.done < progress.total:
                return
            last = now
            bar.update(task, completed=progress.done, total=progress.total, left=remarks(progress))
            live.update(Group(bar, widths_table(progress.widths())))

        yield show


def remarks(progress: Progress) -> str:
    """What the study's course says, time left, and how many replicates were in the store and failed."""
    parts = [told] if (told := progress.remark()) else []
    if progress.seconds_left is not None:
        minutes, seconds = divmod(round(progress.seconds_left), 60)
        hours, minutes = divmod(minutes, 60)
        parts.append(f"{hours}:{minutes:02d}:{seconds:02d} left")
    if progress.reused:
        parts.append(f"{progress.reused} from the store")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    return ", ".join(parts)


def widths_table(widths: list[Width]) -> Any:
    """Half-widths by figure and case; of many those that are farthest from what was asked for."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 1))
    for heading in ("figure", "case", "mean", "±", "half-width/mean", "asked for", "n"):
        table.add_column(heading, justify="left" if heading in ("figure", "case") else "right")
    farthest = sorted(widths, key=lambda width: width.share / (width.wanted_share or 1.0), reverse=True)
    chosen = {id(width) for width in farthest[:_MOST_ROWS]}
    for width in widths:
        if id(width) not in chosen:
            continue
        mean, half = MISSING, MISSING
        if width.interval is not None:
            mean, half = mean_and_width(width.interval.mean, width.interval.half_width)
        asked = MISSING if width.wanted_share is None else percent(width.wanted_share, 2)
        share = MISSING if width.interval is None else percent(width.share, 2)
        table.add_row(width.metric, width.case.label, mean, half, share, asked, str(len(width.values)))
    return table
