"""What an analysis adds to the result of a study: tables of its own beside the figures and their differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class Sheet(NamedTuple):
    """A table of a part; numbers as numbers, and None where there is no value."""

    head: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


class Part(Protocol):
    """One analysis of a study.

    Attributes
    ----------
    key : str
        Its name in `cellfab study --json` and in `StudyResult.part`. How it is told in words and in JSON, the module
        of `cellfab.report` says that registers its type (`cellfab.report.study_parts`).
    """

    @property
    def key(self) -> str:
        """Of one kind of analysis always the same."""
        ...

    def sheets(self) -> Mapping[str, Sheet]:
        """Tables for the study's folder, by the name of the file without `.csv`."""
        ...
