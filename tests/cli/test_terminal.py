"""An orderly end of a command that is interrupted."""

from __future__ import annotations

import signal
from contextlib import suppress

import pytest
import typer

from cellfab.cli.terminal import INTERRUPTED, interruptible, progress_bar

WANTED = pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)


@WANTED
def test_an_interruption_that_was_lost_is_heeded_at_the_next_progress(wanted, ctrl_c_heeded, capsys):
    """As where Python calls back from C: what is raised there is printed and forgotten."""
    told = []
    with (
        ctrl_c_heeded(),
        pytest.raises(typer.Exit) as ended,
        interruptible("stopped"),
        progress_bar("run", shown=False) as advance,
    ):
        advance(0.1)
        with suppress(KeyboardInterrupt):
            signal.raise_signal(wanted)
        told.append("lost")
        advance(0.2)
        told.append("went on")
    assert told == ["lost"]
    assert ended.value.exit_code == INTERRUPTED
    assert capsys.readouterr().err == "stopped\n"


@WANTED
def test_handlers_are_put_back_and_the_next_command_is_not_interrupted(wanted, ctrl_c_heeded):
    with ctrl_c_heeded():
        before = signal.getsignal(wanted)
        with pytest.raises(typer.Exit), interruptible():
            assert signal.getsignal(wanted) is not before
            signal.raise_signal(wanted)
        assert signal.getsignal(wanted) is before
        with interruptible(), progress_bar("run", shown=False) as advance:
            advance(0.5)


def test_what_has_ctrl_c_ignored_goes_on():
    """As a command that a shell started in the background."""
    inherited = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible(), progress_bar("run", shown=False) as advance:
            signal.raise_signal(signal.SIGINT)
            advance(0.5)
    finally:
        signal.signal(signal.SIGINT, inherited)
