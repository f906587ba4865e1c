"""The dates of a conversion."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cellfab.config.conversion_spec import Conversion
from cellfab.ramp.conversion import Project
from cellfab.units import TICKS_PER_WEEK as WEEK

STATIONS = ("mix", "wind", "formation")
SPEC = {
    "stop_week": 52,
    "product_from": "ev",
    "product_to": "ess",
    "strip_out_weeks": 2,
    "commissioning_weeks": 5,
    "shared_capex_musd": 1.5,
    "stations": {
        "mix": {"action": "modify", "duration_weeks": 8, "capex_musd": 2.0, "carried_share": 0.3},
        "formation": {"action": "replace", "duration_weeks": 14, "capex_musd": 10.0, "carried_share": 0.0},
    },
    "requalification": {"duration_weeks": 12},
}


def test_every_date():
    dates = Project(Conversion.model_validate(SPEC), STATIONS).plan(56 * WEEK)
    assert dates.ready == {"mix": 66 * WEEK, "wind": 56 * WEEK, "formation": 72 * WEEK}
    assert dates.restart == 77 * WEEK
    assert dates.release == 89 * WEEK
    assert [(phase.name, phase.start // WEEK, phase.end // WEEK) for phase in dates.phases] == [
        ("drain", 52, 56),
        ("strip out", 56, 58),
        ("rebuild", 58, 72),
        ("commissioning", 72, 77),
        ("requalification", 77, 89),
    ]
    assert dates.phases[2].text == "longest: formation"
    assert dates.capex_musd == 13.5
    assert [(spend.station, spend.tick // WEEK, spend.musd) for spend in dates.capital] == [
        ("plant", 56, 1.5),
        ("mix", 58, 2.0),
        ("formation", 58, 10.0),
    ]


def test_release_by_lots_is_left_open():
    spec = Conversion.model_validate(SPEC | {"requalification": {"lots": 40}})
    dates = Project(spec, STATIONS).plan(56 * WEEK)
    assert dates.release is None
    assert dates.phases[-1].name == "requalification"
    assert dates.phases[-1].end is None


def test_nothing_to_rebuild():
    spec = Conversion.model_validate(
        {
            "stop_week": 1, "product_from": "ev", "product_to": "ess", "strip_out_weeks": 0, "commissioning_weeks": 0,
            "requalification": {"duration_weeks": 0},
        }
    )  # fmt: skip
    dates = Project(spec, STATIONS).plan(2 * WEEK)
    assert dates.restart == dates.release == 2 * WEEK
    assert [phase.name for phase in dates.phases] == ["drain"]
    assert dates.capex_musd == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"product_to": "ev"}, "both 'ev'"),
        ({"stations": {"mix": {"action": "reuse", "duration_weeks": 3}}}, "write action: modify"),
        ({"stations": {"mix": {"action": "modify", "carried_share": 1.2}}}, "less than or equal to 1"),
        ({"requalification": {"duration_weeks": 3, "lots": 4}}, "exactly one"),
        ({"requalification": {}}, "exactly one"),
        ({"stop_week": -1}, "greater than or equal to 0"),
        ({"stopweek": 4}, "Extra inputs"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(ValidationError, match=message):
        Conversion.model_validate(SPEC | change)
