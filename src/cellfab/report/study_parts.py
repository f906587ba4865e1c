"""How the parts of a study's result are told: a module for each registers the type of its part with both functions."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from cellfab.study.part import Part
from cellfab.study.result import StudyResult


@singledispatch
def part_text(part: Part, result: StudyResult) -> list[str]:
    """A part as paragraphs for the terminal."""
    raise TypeError(f"nobody tells a {type(part).__name__} in words")


@singledispatch
def part_document(part: Part, result: StudyResult) -> dict[str, Any]:
    """A part as plain JSON."""
    raise TypeError(f"nobody tells a {type(part).__name__} in JSON")
