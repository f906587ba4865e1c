"""Effects of failure modes: what is computed again behind a change is what the whole line would give."""

from __future__ import annotations

import pytest

from cellfab.mode_effects import PILOT_SEED, PILOTS, _behind, _pilots, _Tally
from cellfab.pilot import QualityChain, Stop
from cellfab.scenario import load_scenario


@pytest.fixture(scope="module")
def scenario(small_plant):
    return load_scenario("ev_4680_dry", small_plant)


def test_stations_behind_and_before():
    stops = (
        Stop("mix", ("powder",), True, False),
        Stop("dough", ("mix",), False, False),
        Stop("foil_store", ("foil",), False, False),
        Stop("coat", ("dough",), True, False),
        Stop("slit", ("coat",), True, False),
        Stop("wind", ("slit", "foil_store"), True, False),
        Stop("out", ("wind",), False, True),
    )
    assert _behind(stops, {"slit"}) == ({"slit", "wind"}, {"coat"})
    assert _behind(stops, {"coat"}) == ({"coat", "slit", "wind"}, {"mix"})
    assert _behind(stops, {"mix"}) == ({"mix", "coat", "slit", "wind"}, set())
    assert _behind(stops, {"wind"}) == ({"wind"}, {"slit"})


@pytest.mark.parametrize("place", ["cathode_film", "wind", "assembly.weld_anode", "grade"])
def test_lots_that_go_again_behind_a_change_are_those_of_the_whole_line(scenario, place):
    """Row for row, with a place at the start of its ramp in a mature line."""
    step = scenario.steps[place, "ev_nmc811"]
    changed = {(place, "ev_nmc811"): step.matured(dict.fromkeys(step.ramping, 0.0))}
    base, (counts,) = _pilots(scenario, "ev_nmc811", 1.0, [changed])
    whole = QualityChain(
        scenario, "ev_nmc811", seed=PILOT_SEED, maturity=1.0, steps={**scenario.steps, **changed}
    )  # fmt: skip
    tally = _Tally()
    for ordinal in PILOTS:
        whole.lot(ordinal, tally)
    cells = [key for key in tally.counts if not key.endswith(("dose", "mix"))]  # of these more lots are looked at
    assert {key: counts[key] for key in cells} == {key: tally.counts[key] for key in cells}
    assert counts[place] != base[place]
    assert base["cathode_mix"][0] > 100 * 12
