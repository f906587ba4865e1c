"""The summary for the terminal: right numbers, plain where it should be plain, and never markup from a name."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cellfab.report.terminal import print_result, print_summary
from cellfab.result import RunResult


def shown(result: RunResult, encoding: str = "utf-8", **options: Any) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    print_summary(result, Console(file=stream, **options), ["cellfab run ess_from_4680 --seed 8"])
    stream.flush()
    return raw.getvalue().decode(encoding)


def row(text: str, start: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(start))
    return line.split()


def test_headlines_ramp_scrap_and_stations(plant: RunResult) -> None:
    text = shown(plant, width=120)
    assert row(text, "Final yield") == ["Final", "yield", "86.1", "%", "84.4", "to", "87.8", "5"]
    assert "disc welder (bottleneck)" in text
    last = plant.weekly[plant.weekly["week"] >= 91]
    energy = last["good_energy_mwh"].sum()
    cells = row(text, "91-103")
    assert cells[-3] == f"{energy / 5:.0f}"
    assert cells[-2] == f"{last['full_cost_usd'].sum() / (1000 * energy):.0f}"
    weighted = (last["line_yield"] * last["cells_started"]).sum() / last["cells_started"].sum()
    assert cells[-5] == f"{100 * weighted:.1f}"
    # Nothing was sold between weeks 39 and 51: no cost rather than an infinite one.
    assert row(text, "39-51")[-2:] == ["–", "–"]
    total = plant.scrap["usd"].sum()
    worst = plant.scrap.loc[plant.scrap["cause"] == "cold_weld", "usd"].sum()
    assert row(text, "seam too shallow")[-2] == f"{100 * worst / total:.1f}"
    assert text.rstrip().endswith("cellfab run ess_from_4680 --seed 8")


def test_ramp_table_stays_short(plant: RunResult) -> None:
    text = shown(plant, width=120)
    ramp = text[text.index("Ramp by quarter") : text.index("Largest causes")]
    assert len(ramp.strip().splitlines()) == 1 + 2 + 8  # title, headings in two lines


def test_pipe_gets_neither_colour_nor_lines(plant: RunResult) -> None:
    text = shown(plant)
    assert "\x1b" not in text
    assert not set(text) & set("─│━┃╭")


def test_terminal_gets_lines_and_no_color_is_honoured(plant: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "─" in shown(plant, force_terminal=True, width=110)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in shown(plant, force_terminal=True, width=110)


def test_columns_bounds_the_width(plant: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "76")
    lines = shown(plant).splitlines()
    tables = lines[lines.index("Headline figures") :]
    assert max(len(line) for line in tables) <= 76


@pytest.mark.parametrize("terminal", [True, False])
def test_ascii_where_the_encoding_is_not_unicode(make_plant: Callable[..., RunResult], terminal: bool) -> None:
    result = make_plant(1, rename={"disc_welder": "Schweißer–2"})
    text = shown(result, encoding="ascii", force_terminal=terminal, width=110)
    assert text.isascii()
    assert "Schwei?er-2 (bottleneck)" in text


def test_names_are_never_markup_or_control_codes(make_plant: Callable[..., RunResult]) -> None:
    names = {"disc_welder": "[red]weld[/red] [link=x]", "winder": "wind\x1b[31mer\nnext", "ess_from_4680": "[bold]a\rb"}
    text = shown(make_plant(1, rename=names), width=140)
    assert "[red]weld[/red] [link=x] (bottleneck)" in text
    assert "\x1b" not in text and "\r" not in text
    assert "wind?[31mer?next" in text
    assert text.startswith("[bold]a?b: 104 weeks")


def test_result_ends_with_commands_that_use_its_folder(
    make_plant: Callable[..., RunResult], plant: RunResult, capsys: pytest.CaptureFixture[str]
) -> None:
    print_result(make_plant(1), Path("runs/x"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == ["Report: runs/x/report.html", "Next", "  cellfab run runs/x/resolved.yaml --reps 5"]
    print_result(plant, Path("runs/x"))
    assert capsys.readouterr().out.splitlines()[-1] == "  cellfab run runs/x/resolved.yaml --seed 8"


def test_bare_line_has_no_ramp(bare_line: RunResult) -> None:
    text = shown(bare_line, width=100)
    assert "Ramp" not in text and "scrap" not in text
    assert row(text, "Throughput") == ["Throughput", "51.2", "per", "h", "50.9", "to", "51.5", "10"]
