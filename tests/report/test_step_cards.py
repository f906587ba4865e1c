"""Step cards say what the steps say of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfab.errors import UsageError
from cellfab.report.step_cards import SECTIONS, markdown, overview, page, step_cards
from cellfab.steps.registry import registry

CARDS = step_cards()


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_step_says_all_that_a_card_needs(card):
    assert [name for name in card.sections if name in SECTIONS] == list(SECTIONS)
    assert all(len(text) > 20 for text in card.sections.values())
    assert card.summary.endswith((".", ";"))
    untold = [one.name for one in card.parameters if not one.text]
    assert not untold, f"no text below {untold}"


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_number_is_sourced_or_says_assumption_and_has_a_range(card):
    fields = registry()[card.name].Params.model_fields
    numbers = [one for one in card.parameters if "float" in str(fields[one.name].annotation)]
    assert not [one.name for one in numbers if not one.range], "without a physical range"


def test_a_card_shows_defaults_ranges_and_columns():
    (card,) = step_cards(["tabless_weld"])
    shown = {one.name: one for one in card.parameters}
    assert shown["power_w"].default == "1250"
    assert shown["power_w"].range == "above 0 to 20000"
    assert shown["power_cv"].default == "0.015 -> 0.01"
    assert shown["power_cv"].range == "from 0 to 0.5"
    assert shown["side"].default == "required"
    assert ("separator_fault", "1") in [column[:2] for column in card.writes]
    text = markdown(card)
    assert text.startswith("## tabless_weld\n")
    assert "| `power_w` | 1250 | above 0 to 20000 |" in text


def test_the_overview_has_one_line_for_each_step_and_the_page_all_cards():
    assert [line.split()[0] for line in overview(CARDS).splitlines()] == list(registry())
    assert page(CARDS).count("\n## ") == len(registry())


def test_a_misspelt_step():
    with pytest.raises(UsageError, match="did you mean 'tabless_weld'"):
        step_cards(["tables_weld"])


def test_the_page_of_all_steps_is_up_to_date():
    written = (Path(__file__).parents[2] / "docs" / "steps.md").read_text(encoding="utf-8")
    assert written == page(CARDS), "run `make docs`"
