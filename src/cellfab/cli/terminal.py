"""What a command does around its work: warnings, a progress bar, and an orderly end when it is interrupted."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from cellfab.scenario import Scenario

INTERRUPTED = 130
"""Exit code, as shells have it for Ctrl-C."""


def warn(scenario: Scenario) -> None:
    """Print what is questionable about a scenario."""
    for warning in scenario.warnings:
        typer.echo(warning.render("warning"), err=True)


@contextmanager
def interruptible(message: str = "interrupted: nothing was written") -> Iterator[None]:
    """Ctrl-C and a request to terminate end the command with exit code 130, and with what is half written removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(message, err=True)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def progress_bar(name: str, *, shown: bool) -> Iterator[Callable[[float], None]]:
    """A bar on stderr, on a terminal only; yields the function that is told the share done, 0-1."""
    if not shown or not sys.stderr.isatty():
        yield lambda _share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=1.0)
        yield lambda share: bar.update(task, completed=share)
