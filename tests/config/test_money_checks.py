"""What the money of a plant must make sense of: each mistake names its line."""

from __future__ import annotations

import pytest

from cellfab.errors import ConfigError
from cellfab.scenario import load_scenario


@pytest.fixture
def refused(tmp_path):
    """Problems of the shipped 4680 plant with these lines laid over it."""

    def refused(text: str) -> list[tuple[str, int, str]]:
        file = tmp_path / "plant.yaml"
        file.write_text(f"extends: ev_4680_dry\n{text}", encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load_scenario(file)
        return [(one.path, one.location.line, one.message) for one in caught.value.problems]

    return refused


def test_a_gap_within_the_run(refused):
    text = (
        "economics:\n  heat_usd_per_kwh: {..2026: 0.02, 2027-02..: 0.03}\nmaterials:\n  lfp: {price_usd: {2026: 8}}\n"
    )
    assert refused(text) == [
        (
            "economics.heat_usd_per_kwh",
            3,
            "says nothing about 2027-01-01, and the run lasts from 2026-01-05 to 2028-01-02",
        ),
        (
            "materials.lfp.price_usd",
            5,
            "says nothing about 2027-01-01, and the run lasts from 2026-01-05 to 2028-01-02",
        ),
    ]


def test_a_gap_outside_the_run_is_of_no_matter(tmp_path):
    file = tmp_path / "plant.yaml"
    run = "run: {start_date: 2027-01-04, horizon_h: 168}\n"
    file.write_text(
        f"extends: ev_4680_dry\n{run}economics: {{heat_usd_per_kwh: {{2027-01: 0.02}}}}\n", encoding="utf-8"
    )
    assert load_scenario(file).spec.economics.heat_usd_per_kwh.plain == {"2027-01": 0.02}


def test_capital_without_a_life(refused):
    text = "economics: {capital: {equipment_life_years: !delete , building_life_years: !delete }}\n"
    (equipment, building) = refused(text)
    assert equipment[0].endswith("economics.capex_musd")
    assert building[0].endswith("economics.floor_m2")
    assert "capital without a life" in equipment[2]


def test_a_price_without_a_currency_year(refused, tmp_path):
    ((path, _, message),) = refused("economics: {currency_year: !delete }\n")
    assert (path, message) == ("economics.currency_year", "is missing")
    line = "name: shop\nrun: {horizon_h: 5}\nmaterials: {glue: {unit: kg, price_usd: 3}}\nline:\n"
    line += "  sources: {a: {}}\n  stations: {b: {kind: serial, from: a, cycle: 1 s}}\n  sinks: {c: {from: b}}\n"
    file = tmp_path / "shop.yaml"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"shop.yaml:3:41: error: materials.glue.price_usd: a price needs a year"):
        load_scenario(file)


def test_a_credit_for_a_cell_below_its_minimum(refused):
    text = "economics:\n  credits:\n    big: {usd_per_kwh: 35,\n      least_cell_wh: 90, least_cell_wh_per_l: 700}\n"
    first, second = refused(text)
    assert first[:2] == ("economics.credits.big.least_cell_wh", 5)
    assert first[2] == "a cell of 84.3 Wh is below the minimum of 90 Wh (product 'ev_nmc811')"
    assert second[2].startswith("a cell with 634 Wh/L is below the minimum of 700 Wh/L")


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("economics: {tariffs: {x: {origin: cn, share: 1, materials: [grafite]}}}\n", "economics.tariffs.x.materials.0",
         "there is no material 'grafite'"),
        ("materials: {deionised_water: {origins: {cn: 0.8, kr: 0.5}}}\n", "materials.deionised_water.origins",
         "add up to 1.3"),
        ("materials: {lfp: {price_usd: -1}}\n", "materials.lfp.price_usd", "-1 USD is below 0"),
        ("run: {start_date: 2026}\n", "run.start_date", "expected a day such as 2026-01-05"),
        ("run: {start_date: 2026-02-30}\n", "run.start_date", "date"),
        ("economics: {credits: {x: {usd_per_kwh: 1, sales_share: 2}}}\n", "economics.credits.x.sales_share",
         "2 is above 1"),
        ("line: {stations: {wind: {economics: {capex_musd: -1}}}}\n", "line.stations.wind.economics.capex_musd",
         "-1 MUSD is below 0"),
        ("line: {stations: {wind: {economics: {consumables: {needles: {amount: -1}}}}}}\n",
         "line.stations.wind.economics.consumables.needles.amount", "-1 is below 0"),
        ("line: {stations: {wind: {economics: {consumables: {needels: {per: cell, amount: 1}}}}}}\n",
         "line.stations.wind.economics.consumables.needels", "`economics.consumables` has no price for 'needels'"),
        ("economics: {consumables: {needles: {price_usd: -4}}}\n", "economics.consumables.needles.price_usd",
         "-4 USD is below 0"),
        ("economics: {plant: {consumables: {tray: {per: cell, amount: 1}}}}\n", "economics.plant.consumables.tray.per",
         "unknown value 'cell'"),
        ("line: {crews: {maintenance: {wage_usd_per_h: -1}}}\n", "line.crews.maintenance.wage_usd_per_h",
         "-1 USD/h is below 0"),
    ],
)  # fmt: skip
def test_other_mistakes(refused, text, path, message):
    ((found, line, said),) = refused(text)
    assert (found, line) == (path, 2)
    assert message in said


def test_warnings_of_duties_on_nothing_and_credits_in_doubt(tmp_path):
    file = tmp_path / "plant.yaml"
    text = "extends: ev_4680_dry\neconomics: {tariffs: {x: {origin: mars, share: 1}}}\n"
    file.write_text(f"{text}materials: {{nmc811: {{origins: {{kr: 0.1, cn: 0.9}}}}}}\n", encoding="utf-8")
    warnings = {one.path: one.message for one in load_scenario(file).warnings}
    assert warnings["economics.tariffs.x.origin"] == "no material comes from 'mars'"
    assert (
        "of the active materials and foils of 'ev_nmc811'" in warnings["economics.credits.cell_45x.material_assistance"]
    )
    assert not [one for one in load_scenario("ess_from_4680").warnings if one.path.startswith("economics")]


def test_crews_and_consumables_that_overhead_holds_are_refused(refused):
    text = "economics: {overhead: {crews_on_labour_share: !delete , consumables_on_labour_share: !delete }}\n"
    crews, consumables = refused(text)
    assert crews[0] == "economics.labour.crew_wage_usd_per_h"
    assert crews[2] == "the variable overhead (0.4 of labour) holds maintenance people: they count twice"
    assert consumables[0] == "line.stations.cathode_dose.economics.consumables.fume_filter"
    assert consumables[2] == "the variable overhead (0.4 of labour) holds what is used up: it counts twice"
    text += "line: {crews: {maintenance: {wage_usd_per_h: 60}}}\n"
    assert ("line.crews.maintenance.wage_usd_per_h", 3) in [one[:2] for one in refused(text)]


def test_no_more_is_taken_out_of_overhead_than_it_holds(refused):
    ((path, line, message),) = refused("economics: {overhead: {crews_on_labour_share: 0.3}}\n")
    assert (path, line) == ("economics.overhead.crews_on_labour_share", 2)
    assert message == "crews and consumables are 0.45 of labour, and the overhead that holds them is 0.4"


def test_overhead_without_variable_part_holds_nothing(tmp_path):
    file = tmp_path / "plant.yaml"
    shares = "variable_on_labour_share: 0, crews_on_labour_share: !delete , consumables_on_labour_share: !delete "
    file.write_text(f"extends: ev_4680_dry\neconomics: {{overhead: {{{shares}}}}}\n", encoding="utf-8")
    assert load_scenario(file).spec.economics.overhead.posted_on_labour_share == 0.0


def test_a_share_taken_out_that_nobody_pays_is_a_warning(tmp_path):
    file = tmp_path / "plant.yaml"
    file.write_text("extends: ev_4680_dry\neconomics: {labour: {crew_wage_usd_per_h: !delete }}\n", encoding="utf-8")
    (warning,) = load_scenario(file).warnings
    assert warning.path == "economics.overhead.crews_on_labour_share"
    assert warning.message == "0.15 of labour are taken out of overhead, and no crew has a wage"
