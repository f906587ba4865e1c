"""Which modes there are, and that together they hold back exactly what ramps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.failure_modes_spec import FailureModes
from cellfab.ramp.modes import failure_modes, owners, pareto_shares

FILM = {"film": {"p": ("sigma", "drift", "gap")}}


def held(modes, place, product, capability):
    return sum(m.holds.get(product, {}).get(capability, 0.0) for m in modes if m.place == place)


@given(st.integers(1, 50), st.floats(0.0, 3.0))
def test_pareto(modes, slope):
    shares = pareto_shares(modes, slope)
    assert sum(shares) == pytest.approx(1.0)
    assert all(shares[0] / share == pytest.approx((rank + 1) ** slope) for rank, share in enumerate(shares))


def test_generated_modes_hold_back_everything_that_ramps():
    modes = failure_modes(FailureModes.model_validate({"generated": {"modes": 4, "slope": 1.0}}), FILM)
    assert [mode.name for mode in modes] == ["mode 1", "mode 2", "mode 3", "mode 4"]
    # 1 / (1 + 1/2 + 1/3 + 1/4) = 0.48
    assert modes[0].holds["p"] == pytest.approx({"sigma": 0.48, "drift": 0.48, "gap": 0.48})
    assert held(modes, "film", "p", "drift") == pytest.approx(1.0)


def test_named_modes_come_first_and_leave_the_rest():
    spec = FailureModes.model_validate(
        {
            "generated": {"modes": 2, "slope": 0.0},
            "fixing": {"residual_share": 0.1},
            "places": {
                "film": {
                    "modes": {
                        "lanes": {"moves": ["sigma"], "share": 0.6, "difficulty_factor": 2, "residual_share": 0.2},
                        "heat": {"moves": ["drift", "gap"], "recognised_share": 1e-6},
                    }
                }
            },
        }
    )
    lanes, heat, *rest = failure_modes(spec, FILM)
    assert (lanes.name, lanes.difficulty_factor, lanes.residual_share) == ("lanes", 2.0, 0.2)
    assert (heat.name, heat.recognised_share, heat.residual_share) == ("heat", 1e-6, 0.1)
    assert [mode.holds for mode in rest] == [{"p": {"sigma": pytest.approx(0.2)}}] * 2
    for capability in ("sigma", "drift", "gap"):
        assert held((lanes, heat, *rest), "film", "p", capability) == pytest.approx(1.0)


def test_three_thirds_are_a_whole():
    third = {"moves": ["sigma"], "share": 1.0 / 3.0}
    spec = FailureModes.model_validate({"places": {"film": {"modes": {"a": third, "b": third, "c": third}}}})
    assert [mode.name for mode in failure_modes(spec, {"film": {"p": ("sigma",)}})] == ["a", "b", "c"]


def test_a_chemistry_brings_its_own_modes():
    spec = FailureModes.model_validate(
        {
            "generated": {"modes": 1},
            "places": {"mix": {"modes": {"iron": {"moves": ["metal"], "product": "lfp"}}}},
        }
    )
    iron, other = failure_modes(spec, {"mix": {"nmc": ("metal",), "lfp": ("metal", "sigma")}})
    assert iron.holds == {"lfp": {"metal": 1.0}}
    assert other.holds == {"nmc": {"metal": 1.0}, "lfp": {"sigma": 1.0}}


def test_copies_have_the_modes_of_the_first():
    spec = FailureModes.model_validate({"generated": {"modes": 2}, "shared": {"film": ["film_2", "film_3"]}})
    places = {name: {"p": ("sigma",)} for name in ("film", "film_2", "film_3", "wind")}
    assert [mode.key for mode in failure_modes(spec, places)] == [
        "film/mode 1", "film/mode 2", "wind/mode 1", "wind/mode 2",
    ]  # fmt: skip
    assert owners(spec, list(places)) == {"film": "film", "film_2": "film", "film_3": "film", "wind": "wind"}


def test_a_place_where_nothing_ramps_has_none():
    assert failure_modes(FailureModes(), {"oven": {"p": ()}}) == ()
