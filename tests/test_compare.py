"""Two runs compared: the waterfall adds up to the cent, from folders as from results, and refuses what has no cost."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from cellfab.compare import Side, Weeks, compare, read_side, side_of, weeks_of
from cellfab.errors import ConfigError, UsageError
from cellfab.report.compare_chart import render, waterfall, write_comparison
from cellfab.report.compare_text import comparison_document, comparison_text, money
from cellfab.report.folder import write_run_folder
from cellfab.result import Kpi

if TYPE_CHECKING:
    from conftest import Outcome, SmallRun


@pytest.fixture(scope="module")
def run_folder(small_run: SmallRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run_folder(small_run.result, small_run.scenario.resolved_yaml(), tmp_path_factory.mktemp("runs"))


def written(name: str = "a", replicates: int = 1, lfp_usd: float = 8.0, seed: int = 1, **changes: Any) -> Side:
    """A line of two weeks, by hand: 100 cells of 0.1 kWh a week, 1 kg of powder each; dearer by 1 $ per replicate."""
    holdings, releases = [], []
    for replicate in range(replicates):
        for week in (0, 1):
            for account, usd in (("materials.lfp", 100 * (lfp_usd + replicate)), ("capital", 50.0 + 10 * week)):
                holdings.append((replicate, week, "finished_good", account, 100.0, usd))
            holdings.append((replicate, week, "returned", "materials.lfp", 7.0, 56.0))
            releases.append((replicate, week, "finished_good", 100, 10.0))
            releases.append((replicate, week, "scrap", 5, 0.0))
    weekly = [(r, week, phase) for r in range(replicates) for week, phase in enumerate(("running", "released"))]
    side = Side(
        name=name,
        seed=seed,
        replicates=replicates,
        currency_year=2026,
        kpi={"cost_usd_per_kwh": Kpi(lfp_usd, "USD/kWh"), "bottleneck": Kpi("wind", "")},
        weekly=pd.DataFrame(weekly, columns=["replicate", "week", "phase"]),
        holdings=pd.DataFrame(holdings, columns=["replicate", "week", "holding", "account", "quantity", "usd"]),
        releases=pd.DataFrame(releases, columns=["replicate", "week", "holding", "rows", "energy_kwh"]),
        incomes=pd.DataFrame(
            [(r, 1, "credits.cell_45x", 100.0) for r in range(replicates)],
            columns=["replicate", "week", "account", "usd"],
        ),
    )
    return dataclasses.replace(side, **changes)


def test_totals_are_the_headline_figures(small_run: SmallRun) -> None:
    side = side_of(small_run.result)
    kpi = small_run.result.kpi
    for kind, name in (
        ("full", "cost_usd_per_kwh"),
        ("cash", "cash_cost_usd_per_kwh"),
        ("net", "net_cost_usd_per_kwh"),
    ):
        found = compare(side, side, kind)
        assert found.usd_per_kwh == (pytest.approx(kpi[name].value, abs=1e-8),) * 2
        assert found.bars == ()


def test_a_folder_is_its_result(small_run: SmallRun, run_folder: Path) -> None:
    """Weeks 1 and 0..1 differ, so that there are bars to compare."""
    from_result, from_folder = side_of(small_run.result), read_side(run_folder)
    weeks = (":", "1:")
    first, second = compare(from_result, from_result, weeks=weeks), compare(from_folder, from_folder, weeks=weeks)
    assert len(first.bars) >= 3
    assert first.cents == second.cents
    assert [(bar.name, bar.cents) for bar in first.bars] == [(bar.name, bar.cents) for bar in second.bars]
    assert {figure.name for figure in second.figures} == {
        name for name, kpi in small_run.result.kpi.items() if kpi.value is not None
    }


@pytest.mark.parametrize("kind", ["full", "cash", "net"])
def test_bars_add_up_to_the_printed_cent(small_run: SmallRun, kind: Any) -> None:
    side = side_of(small_run.result)
    found = compare(side, side, kind, weeks=(":", "1:"))
    assert found.cents[0] + sum(bar.cents for bar in found.bars) == found.cents[1]
    change = found.usd_per_kwh[1] - found.usd_per_kwh[0]
    assert math.fsum(bar.usd_per_kwh for bar in found.bars) == pytest.approx(change, abs=1e-9)
    for bar in found.bars:
        assert math.fsum(bar.accounts.values()) == pytest.approx(bar.usd_per_kwh, abs=1e-9)
    # The same as it is read on the terminal: the number that ends each line's label.
    lines = comparison_text(found).splitlines()
    printed = [re.match(r".*?\s([+-]?[\d,]+\.\d\d)\s", f"{line} ") for line in lines[1 : len(found.bars) + 3]]
    numbers = [round(100 * float(hit[1].replace(",", ""))) for hit in printed if hit]
    assert len(numbers) == 2 + sum(bool(bar.cents) for bar in found.bars)
    assert sum(numbers[:-1]) == numbers[-1]


def test_one_cause_by_hand() -> None:
    """Powder at 9 instead of 8 $/kg, a kilogram a cell of 0.1 kWh: +10 $/kWh, and nothing else."""
    found = compare(written("a"), written("b", lfp_usd=9.0))
    (bar,) = found.bars
    assert (bar.name, bar.cents, bar.half_width) == ("material prices", 1000, None)
    assert bar.accounts == {"materials.lfp": pytest.approx(10.0)}
    # What was returned to the store is no cost: 2 x 100 x 8 and 50 + 60 $ of capital over 20 kWh.
    assert found.usd_per_kwh[0] == pytest.approx(1710.0 / 20.0)
    assert found.good_mwh == (0.02, 0.02)
    assert compare(written(), written(), "cash").usd_per_kwh[0] == pytest.approx(1600.0 / 20.0)
    assert compare(written(), written(), "net").usd_per_kwh[0] == pytest.approx(1610.0 / 20.0)


def test_replicates_are_paired_by_seed() -> None:
    """The replicates of a side differ by 10 $/kWh, those of a pair by exactly 20: no spread is left."""
    found = compare(written("a", 3), written("b", 3, lfp_usd=10.0))
    (bar,) = found.bars
    assert (found.pairs, found.paired) == (3, True)
    assert bar.usd_per_kwh == pytest.approx(20.0)
    assert bar.half_width == pytest.approx(0.0, abs=1e-9)
    assert "paired by seed" in comparison_text(found)
    loose = compare(written("a", 3), written("b", 2, lfp_usd=10.0, seed=2))
    (bar,) = loose.bars
    assert (loose.pairs, loose.paired, bar.half_width) == (6, False, None)
    assert bar.usd_per_kwh == pytest.approx(loose.usd_per_kwh[1] - loose.usd_per_kwh[0])
    assert "each with each" in comparison_text(loose)


@pytest.mark.parametrize(
    ("text", "weeks"),
    [(":", (0, 1)), ("0:1", (0, 0)), ("1:", (1, 1)), ("-1:", (1, 1)), (":-1", (0, 0)), ("0:99", (0, 1)),
     ("running", (0, 0)), ("released", (1, 1))],
)  # fmt: skip
def test_weeks_are_chosen(text: str, weeks: tuple[int, int]) -> None:
    assert weeks_of(written(), text) == Weeks(*weeks)


@pytest.mark.parametrize(
    ("text", "told"), [("5:9", "none of them"), ("1:1", "none of them"), ("a:b", "FIRST:END"), ("drain", "released")]
)
def test_weeks_that_are_not_there(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        weeks_of(written(), text)


def test_what_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match="2026 and b of 2030"):
        compare(written("a"), written("b", currency_year=2030))
    with pytest.raises(UsageError, match="bare line"):
        compare(written("a", currency_year=None), written("b"))
    nothing = written().releases.query("holding == 'scrap'")
    with pytest.raises(UsageError, match="b sold nothing in week 1"):
        compare(written("a"), written("b", releases=nothing), weeks=(":", "1:"))


def test_folders_that_are_no_run(tmp_path: Path, run_folder: Path) -> None:
    with pytest.raises(UsageError, match="not the folder of a run"):
        read_side(tmp_path)
    (tmp_path / "kpi.json").write_bytes((run_folder / "kpi.json").read_bytes())
    with pytest.raises(ConfigError, match="is missing"):
        read_side(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_side(tmp_path)


def test_page_holds_the_cents(small_run: SmallRun, tmp_path: Path) -> None:
    side = side_of(small_run.result)
    found = compare(side, dataclasses.replace(side, name="<b>after</b>"), weeks=(":", "1:"))
    figure = waterfall(found)
    (trace,) = figure.data
    assert round(100 * sum(trace.x[:-1])) == found.cents[1] == round(100 * trace.x[-1])
    assert trace.text[0] == money(found.cents[0], signed=False)
    page = render(found)
    assert "<b>after</b>" not in page
    assert "Content-Security-Policy" in page
    assert json.loads(re.search(r'id="waterfall-figure">(.*?)</script>', page, re.DOTALL)[1])["data"]
    write_comparison(found, tmp_path / "c.html")
    assert (tmp_path / "c.html").read_text(encoding="utf-8") == page


def test_document_is_plain_json(small_run: SmallRun) -> None:
    side = side_of(small_run.result)
    document = json.loads(json.dumps(comparison_document(compare(side, side, weeks=(":", "1:"))), allow_nan=False))
    assert document["a"]["cents"] + sum(bar["cents"] for bar in document["bars"]) == document["b"]["cents"]
    assert document["a"]["weeks"] == [0, 1]
    assert document["kpi"]["cost_usd_per_kwh"]["difference"] == 0.0


def test_command(command: Callable[..., Outcome], run_folder: Path) -> None:
    folder = str(run_folder)
    shown = command("compare", folder, folder, "--weeks-b", "-1:", "--html", "c.html")
    assert shown.code == 0
    assert "$/kWh, full cost" in shown.out
    assert Path("c.html").stat().st_size > 1e6
    document = json.loads(command("compare", folder, folder, "--cost", "cash", "--json").out)
    assert document["cost"] == "cash"
    assert command("compare", folder, folder, "--set", "run.seed=2").code == 2
    assert command("compare", folder, "no_such_scenario").code == 3
    assert command("compare", folder, folder, "--weeks-a", "drain").code == 2
    assert command("compare", folder, folder, "--html", "nowhere/c.html").code == 2


def test_command_runs_scenarios(command: Callable[..., Outcome], small_plant: tuple[str, ...]) -> None:
    options = [part for option in small_plant for part in ("--set", option)]
    document = json.loads(command("compare", "ev_4680_dry", "ev_4680_dry", *options, "--weeks-b", "1:", "--json").out)
    assert document["a"]["cents"] + sum(bar["cents"] for bar in document["bars"]) == document["b"]["cents"]
    assert not Path("runs").exists()
