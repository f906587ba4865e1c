"""One exception family; each error knows the exit code the command line gives it."""

from __future__ import annotations


class CellfabError(Exception):
    """Base of every error that cellfab raises on purpose."""

    exit_code = 1


class UsageError(CellfabError):
    """The command was called with options that do not go together."""

    exit_code = 2


class ConfigError(CellfabError):
    """A configuration or a data file is invalid; carries every problem found, in file order."""

    exit_code = 3

    def __init__(self, message: str, problems: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class StallError(CellfabError):
    """Nothing in the line can move any more; the message names who waits for whom."""


class InvariantError(CellfabError):
    """A conservation law did not hold at the end of a run: a defect of cellfab itself."""
