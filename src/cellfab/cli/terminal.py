"""What a command does around its work: warnings, a progress bar, and an orderly end when it is interrupted."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from cellfab.scenario import Scenario

Told = TypeVar("Told")
INTERRUPTED = 130
"""Exit code, as shells have it for Ctrl-C."""

_asked: list[int] = []
"""Signals that asked for an end of the command that goes on."""


def warn(scenario: Scenario) -> None:
    """Print what is questionable about a scenario."""
    for warning in scenario.warnings:
        typer.echo(warning.render("warning"), err=True)


@contextmanager
def interruptible(message: str = "interrupted: nothing was written") -> Iterator[None]:
    """Ctrl-C and a request to terminate end the command with exit code 130, and with what is half written removed.

    Where an interruption is lost (what is raised in a callback from C, as while kernels are loaded, is only printed),
    `heeding` raises it again when progress is told next. What has SIGINT ignored goes on ignoring it.
    """
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, _interrupt)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(message, err=True)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _asked.append(number)
    raise KeyboardInterrupt


def heeding(advance: Callable[[Told], None]) -> Callable[[Told], None]:
    """The same function, which ends the command if it has been asked to end and has not."""

    def told(progress: Told) -> None:
        if _asked:
            raise KeyboardInterrupt
        advance(progress)

    return told


@contextmanager
def progress_bar(name: str, *, shown: bool) -> Iterator[Callable[[float], None]]:
    """A bar on stderr, on a terminal only; yields the function that is told the share done, 0-1."""
    if not shown or not sys.stderr.isatty():
        yield heeding(lambda _share: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=1.0)
        yield heeding(lambda share: bar.update(task, completed=share))
