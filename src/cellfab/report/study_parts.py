"""How the parts of a study's result are told: in words by one function of each, and as JSON by another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cellfab.report.levers_text import levers_document, levers_text
from cellfab.report.study_bands_text import bands_document, bands_text
from cellfab.report.study_search_text import search_document, search_text
from cellfab.report.study_selection_text import selection_document, selection_text
from cellfab.report.study_sensitivity_text import sensitivity_document, sensitivity_text
from cellfab.report.study_uncertainty_text import uncertainty_document, uncertainty_text
from cellfab.study.result import StudyResult

TELLERS: Mapping[str, tuple[Callable[[Any, StudyResult], list[str]], Callable[[Any, StudyResult], Any]]] = {
    "bands": (bands_text, bands_document),
    "levers": (levers_text, levers_document),
    "selection": (selection_text, selection_document),
    "search": (search_text, search_document),
    "sensitivity": (sensitivity_text, sensitivity_document),
    "uncertainty": (uncertainty_text, uncertainty_document),
}
"""By the key of the part: paragraphs for the terminal, and a plain value for `--json`."""


def part_texts(result: StudyResult) -> list[str]:
    """All parts as paragraphs."""
    return [paragraph for part in result.parts for paragraph in TELLERS[part.key][0](part, result)]


def part_documents(result: StudyResult) -> dict[str, Any]:
    """All parts as plain JSON, by their keys."""
    return {part.key: TELLERS[part.key][1](part, result) for part in result.parts}
