"""Backtests: shipped records, plants made up with known parameters, and records that are wrong."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import pytest

from cellfab.calibrate import curves
from cellfab.calibrate.backtest import backtest, score
from cellfab.calibrate.record import load_record, shipped_records
from cellfab.config.record_spec import day_of
from cellfab.errors import ConfigError

RECORD = """
record:
  plant: made up
  started: 2020-01-01
  yield_start: {{value: 0.4, low: 0.2, high: 0.6, source: assumption}}
  yield_mature: {{value: 0.92, low: 0.88, high: 0.96, source: assumption}}
  given_until: {until}
  yields:
    error_share: 0.01
    reported_share: {{{reports}}}
ramp:
  default:
    learning:
      time_constant_months: {{value: 9, low: 6, high: 15, source: assumption}}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "plant.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def made_up(folder: Path, tau: float, noise: np.random.Generator, *, given: int, later: int) -> Path:
    """A plant of a known time constant, reported every second month with an error of one point."""
    values = dict.fromkeys(curves.PARAMETERS, 0.0) | {
        "time_constant_months": tau, "calendar_weight": 0.5, "utilisation_weight": 0.5, "utilisation_share": 1.0,
        "yield_start": 0.4, "yield_mature": 0.92,
    }  # fmt: skip
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=61 * n) for n in range(1, given + later + 1)]
    months = np.array([(day - datetime.date(2020, 1, 1)).days / (curves.HOURS_PER_MONTH / 24.0) for day in days])
    seen = curves.yield_at(values, months)[0] + 0.01 * noise.standard_normal(len(days))
    reports = ", ".join(f"{day}: {value:.6f}" for day, value in zip(days, seen, strict=True))
    return written(folder, RECORD.format(until=days[given - 1], reports=reports))


def test_the_parameters_of_made_up_plants_are_found(tmp_path: Path) -> None:
    """60 plants with time constants from the believed law: 90 % intervals hold 54 of them, at least 46 (z = -3.4);
    and of 300 held-back reports at least 90 % - 8 % lie inside their bands (reports of one plant are correlated)."""
    random = np.random.default_rng(11)
    held = inside = found_tau = 0
    for _ in range(60):
        tau = float(np.exp(np.log(9.0) + random.standard_normal() * np.log(15.0 / 9.0) / 1.645))
        result = backtest(made_up(tmp_path, tau, random, given=3, later=5))
        low, _, high = next(one.after for one in result.believed if one.unknown.name.endswith("constant_months"))
        found_tau += low <= tau <= high
        held += len(result.held_back)
        inside += sum(one.inside for one in result.held_back)
    assert found_tau >= 46
    assert held == 300
    assert inside >= 0.82 * held


def test_figures_narrow_what_is_believed(tmp_path: Path) -> None:
    result = backtest(made_up(tmp_path, 9.0, np.random.default_rng(1), given=8, later=1))
    for one in result.believed:
        assert one.after[2] - one.after[0] < 0.8 * (one.unknown.high - one.unknown.low), one.unknown.name


def test_the_same_seed_gives_the_same_numbers(tmp_path: Path) -> None:
    path = made_up(tmp_path, 9.0, np.random.default_rng(2), given=2, later=2)
    assert backtest(path) == backtest(path)
    assert backtest(path, seed=2).observations[-1].predicted != backtest(path).observations[-1].predicted


def test_no_figure_given_is_a_prediction_from_the_ranges_alone(tmp_path: Path) -> None:
    """The median at the start is the median that was written; the band its 5 and 95 % points, widened by the error."""
    text = RECORD.format(until="2019-12-31", reports="2020-01-01: 0.4")
    one = backtest(written(tmp_path, text)).observations[0]
    assert not one.given
    assert one.predicted == pytest.approx(0.4, abs=0.005)
    assert one.band == pytest.approx((0.2, 0.6), abs=0.012)


def test_all_shipped_records_are_complete_and_held_against_the_law() -> None:
    """Every figure has a source; the public records reach the aims that docs/backtests.md states."""
    found = []
    for name in shipped_records():
        file, resolved = load_record(name)
        places = [path for path in resolved.origins if path[:1] == ("record",) and path[-1] in file.record.moments]
        assert places
        assert all(resolved.notes[path].source for path in places), name
        found.append(backtest(name))
    total = score(found)
    assert total.held_back >= 10
    assert total.inside >= 0.8 * total.held_back
    assert total.yield_error_share is not None
    assert total.yield_error_share <= 0.06


def test_a_moment_is_a_day_or_the_middle_of_a_month_or_year() -> None:
    assert day_of("2023") == datetime.date(2023, 7, 1)
    assert day_of("2023-02") == datetime.date(2023, 2, 15)
    assert day_of("2023-02-28") == datetime.date(2023, 2, 28)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("record: {plant: x, started: 2020-01, given_until: 2021-06}\n", "nothing to predict"),
        (RECORD.format(until="2021-13", reports="2020-06: 0.5"), "2021-13"),
        (RECORD.format(until="2021-06", reports="2020-06: 1.5"), "did you mean % (0.015)?"),
        (RECORD.format(until="2021-06", reports="June: 0.5"), "June"),
        (RECORD.format(until="2021-06", reports="2020-06: 0.5").replace("plant:", "plent:"), "plant"),
        (
            "record: {plant: x, started: 2020-01, given_until: 2021-06, output: {unit: GWh, per: year,"
            " installed_amount: {2020-06: 3}, reported_rate: {2021-06: 2}}}\n",
            "nothing is installed when production starts",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        backtest(written(tmp_path, text))
    assert said in str(caught.value)
    assert "plant.yaml:" in str(caught.value)


def test_a_scenario_is_no_record() -> None:
    with pytest.raises(ConfigError) as caught:
        backtest("mm1")
    assert "is not the record of a plant" in str(caught.value)
    assert "lg_wroclaw" in str(caught.value)


def test_validate_knows_records() -> None:
    from typer.testing import CliRunner

    from cellfab.cli.app import app

    result = CliRunner().invoke(app, ["validate", "records/tesla_kato", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["record"] == {"name": "tesla_kato"}


def test_the_command(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from cellfab.cli.app import app

    page = tmp_path / "page.html"
    result = CliRunner().invoke(app, ["backtest", "lg_wroclaw", "--json", "--html", str(page)])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    plant = document["plants"]["lg_wroclaw"]
    assert [one["given"] for one in plant["observations"]] == [True, False]
    assert document["score"]["held_back"] == 1
    assert "Kobierzyce" in page.read_text(encoding="utf-8")
    shown = CliRunner().invoke(app, ["backtest", "lg_wroclaw"]).stdout
    assert "held back" in shown
    assert shown.rstrip().splitlines()[-1].startswith("1 of 1 held-back figures lie inside")
