"""Reading fleets: the shipped one, and each mistake with the exact place that the message names."""

from __future__ import annotations

import pytest

from cellfab.errors import ConfigError
from cellfab.fleet.file import is_fleet, load_fleet


def test_the_shipped_portfolio():
    fleet = load_fleet("na10_portfolio")
    plants = fleet.spec.fleet.plants
    assert len(plants) == 10
    assert sum(plant.mainly == "ess" for plant in plants.values()) == 7
    assert fleet.weeks == 260
    assert is_fleet(fleet.resolved)


def test_plants_of_one_file_share_a_scenario_and_dates_come_from_it(written):
    fleet = load_fleet(written("scenario: ess_lfp_prismatic", "scenario: plant.yaml"))
    assert fleet.scenarios["north"] is fleet.scenarios["south"]
    assert str(fleet.begins("north")) == "2025-01-06"
    assert str(fleet.begins("south")) == "2026-04-06"


def test_the_digest_is_that_of_what_counts(written):
    one = load_fleet(written()).digest
    assert load_fleet(written("name: two", "name: other")).digest == one
    assert load_fleet(written(), ["run.seed=9", "run.replicates=7"]).digest == one
    assert load_fleet(written(), ["fleet.buyers.grid.factor=2"]).digest != one


def problems_of(path, *overrides):
    with pytest.raises(ConfigError) as caught:
        load_fleet(path, overrides)
    return str(caught.value).replace(str(path), "fleet.yaml")


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param(
            "scenario: ess_lfp_prismatic", "scenario: ess_lfp_prismatik",
            ["fleet.yaml:12:23", "there is no scenario 'ess_lfp_prismatik'", "did you mean 'ess_lfp_prismatic'?"],
            id="unknown plant file",
        ),
        pytest.param(
            "    south: {", "    north: {scenario: mm1, gwh_per_year: 1}\n    south: {",
            ["fleet.yaml:12:5", "north"], id="the same plant twice",
        ),
        pytest.param(
            "    packs: {", "    north: {",
            ["fleet.yaml:17:5", "'north' is the name of a plant and of a supplier"], id="a plant and a supplier",
        ),
        pytest.param(
            "{2026: 6, 2027..: 8}", "{2026: -6, 2027..: 8}",
            ["fleet.yaml:14:33", "fleet.buyers.grid.gwh_per_year"], id="negative demand",
        ),
        pytest.param(
            "{2026: 6, 2027..: 8}", "{2026: 6, 2026-12..: 8}",
            ["fleet.yaml:14:36", "overlaps '2026'"], id="dates that overlap",
        ),
        pytest.param(
            "{2026: 6, 2027..: 8}", "{..2026-06: 6}",
            ["fleet.yaml:14:12", "says nothing about 2026-07-01"], id="dates with a gap",
        ),
        pytest.param(
            "{price_usd_per_kwh: 45, gwh_per_year: 1}", "{gwh_per_year: 1}",
            ["fleet.yaml:17:5", "price_usd_per_kwh", "is missing"], id="missing price",
        ),
        pytest.param(
            "tariffs: [duty]", "tariffs: [dutty]",
            ["fleet.yaml:16:47", "there is no tariff 'dutty'", "did you mean 'duty'?"], id="unknown tariff",
        ),
        pytest.param(
            "parity: abroad", "parity: abrod",
            ["fleet.yaml:9:11", "there is no supplier 'abrod'", "did you mean 'abroad'?"], id="unknown parity",
        ),
        pytest.param(
            "credits: []", "credits: [cells]",
            ["fleet.yaml:12:89", "there is no credit 'cells'", "did you mean 'cell'?"], id="unknown credit",
        ),
        pytest.param(
            "scenario: ess_lfp_prismatic", "scenario: mm1",
            ["fleet.yaml:12:23", "'mm1' makes no cells"], id="a bare line as a plant",
        ),
        pytest.param(
            "scenario: ess_lfp_prismatic", "scenario: ev_4680_dry_by_causes",
            ["fleet.yaml:12:23", "learns by causes"], id="a plant that learns by causes",
        ),
        pytest.param(
            "gwh_per_year: 4", "gwh_per_year: 0", ["fleet.yaml:11:49", "above 0"], id="a plant of no size",
        ),
        pytest.param(
            "elasticity_factor: 0.5", "elasticity_factor: 0", ["fleet.yaml:14:", "above 0"], id="no elasticity",
        ),
        pytest.param(
            "credits: []",
            "contracts: {one: {begins: 2026-09-01, ends: 2026-08-31, energy_gwh: 1, price_usd_per_kwh: 9}}",
            ["fleet.yaml:12:91", "contracts.one", "ends (2026-08-31) is before begins (2026-09-01)"],
            id="a contract that ends before it begins",
        ),
        pytest.param(
            "credits: []",
            "contracts: {one: {begins: 2026-07-06, ends: 2027-07-04, energy_gwh: 7, price_usd_per_kwh: 9}}",
            ["fleet.yaml:12:91", "in the week of 2026-07-06 contracts come to 7.02 GWh a year", "all buyers want 6"],
            id="more promised than wanted",
        ),
        pytest.param(
            "horizon_h: 8736", "horizon_h: 8700", ["fleet.yaml:2:", "no whole number of weeks"], id="part of a week",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_told_where_they_are(written, old, new, found):
    text = problems_of(written(old, new))
    for part in found:
        assert part in text, text


def test_a_mistake_in_a_plant_is_told_where_it_is(written, tmp_path):
    path = written()
    plant = tmp_path / "plant.yaml"
    plant.write_text(plant.read_text(encoding="utf-8").replace("product_to: lfp_314ah", "product_to: lfp_315ah"))
    text = problems_of(path)
    assert f"{plant}:3:" in text
    assert "fleet.yaml:11:23: error: fleet.plants.north.scenario: 'plant.yaml' is not a valid scenario" in text
