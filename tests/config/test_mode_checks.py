"""Failure modes that are wrongly written: each mistake with its place and what would be right."""

from __future__ import annotations

import pytest

from cellfab.errors import ConfigError
from cellfab.scenario import load_scenario

HEAD = "extends: ev_4680_dry\nramp:\n  failure_modes:\n"


@pytest.fixture
def refused(here):
    """The message about a section `ramp.failure_modes` (from line 4 of the file on)."""

    def read(text, head=HEAD):
        (here / "modes.yaml").write_text(head + text, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load_scenario("modes.yaml")
        return str(caught.value)

    return read


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        pytest.param(
            "    places: {cathode_flim: {generated: {modes: 2}}}\n",
            ["modes.yaml:4:14: error: ramp.failure_modes.places.cathode_flim: there is no station with a step called",
             "did you mean 'cathode_film'?"],
            id="no such place",
        ),
        pytest.param(
            "    places: {weld_anode: {generated: {modes: 2}}}\n",
            ["there is no station with a step called 'weld_anode'", "did you mean 'assembly.weld_anode'?"],
            id="a machine without its station",
        ),
        pytest.param(
            "    places: {wind: {modes: {a: {moves: [alignment_sd]}}}}\n",
            ["modes.yaml:4:41: error: ramp.failure_modes.places.wind.modes.a.moves.0: the step of 'wind' has no"
             " parameter 'alignment_sd'", "did you mean 'alignment_sd_mm'?"],
            id="no such parameter",
        ),
        pytest.param(
            "    places: {wet: {modes: {a: {moves: [soak_h]}}}}\n",
            ["'soak_h' of 'wet' does not ramp", "write it as {start: ..., mature: ...}", "wetting_m2_per_s"],
            id="a parameter that does not ramp",
        ),
        pytest.param(
            "    places: {wind: {modes: {a: {moves: [drift_sd_mm], product: ev_nmc}}}}\n",
            ["there is no product 'ev_nmc'", "did you mean 'ev_nmc811'?"],
            id="no such product",
        ),
        pytest.param(
            "    places:\n      wind:\n        modes:\n          a: {moves: [drift_sd_mm], share: 0.6}\n"
            "          b: {moves: [drift_sd_mm], share: 0.6}\n",
            ["modes.yaml:6:9: error: ramp.failure_modes.places.wind.modes: the modes of 'drift_sd_mm' share out 1.2 of"
             " its way", "their shares may add up to 1"],
            id="more than the whole",
        ),
        pytest.param(
            "    places: {wet: {generated: {modes: 0}}}\n",
            ["no mode holds back wetting_m2_per_s of 'wet'", "let `generated.modes` be 1 or more"],
            id="a capability without a mode",
        ),
        pytest.param(
            "    setbacks: {strike: {after_weeks: 200}}\n",
            ["modes.yaml:4:38: error: ramp.failure_modes.setbacks.strike.after_weeks: week 200 is after the end"],
            id="a setback after the run",
        ),
        pytest.param(
            "    setbacks: {strike: {after_weeks: 2, every_weeks: 3}}\n",
            ["give exactly one of after_weeks and every_weeks"],
            id="a setback with two dates",
        ),
        pytest.param(
            "    setbacks: {strike: {after_weeks: 2, places: [widn]}}\n",
            ["there is no station with a step called 'widn'", "did you mean 'wind'?"],
            id="a setback of no place",
        ),
        pytest.param(
            "    shared: {wind: [formation]}\n",
            ["'formation' is no copy of 'wind': other parameters ramp there"],
            id="copies of different steps",
        ),
        pytest.param(
            "    shared: {widn: [formation]}\n",
            ["ramp.failure_modes.shared.widn: there is no station with a step called 'widn'", "did you mean 'wind'?"],
            id="copies of no place",
        ),
        pytest.param(
            "    shared: {wind: [formatoin]}\n",
            ["there is no station with a step called 'formatoin'", "did you mean 'formation'?"],
            id="no such copy",
        ),
        pytest.param(
            "    shared: {wind: [wind]}\n", ["'wind' learns with 'wind' already"], id="a copy of itself",
        ),
        pytest.param(
            "    shared: {cathode_notch: [anode_notch, anode_notch]}\n",
            ["'anode_notch' learns with 'cathode_notch' already", "name each copy once"],
            id="a copy named twice",
        ),
        pytest.param(
            "    shared: {cathode_notch: [anode_notch], anode_notch: [cathode_notch]}\n",
            ["'anode_notch' learns with 'anode_notch' already", "'cathode_notch' learns with 'cathode_notch' already"],
            id="copies of each other",
        ),
        pytest.param(
            "    shared: {cathode_notch: [anode_notch]}\n    places: {anode_notch: {generated: {modes: 2}}}\n",
            ["'anode_notch' learns with 'cathode_notch', whose modes are its own", "write them at 'cathode_notch'"],
            id="modes of a copy",
        ),
        pytest.param(
            "    experiments: {start_share: 0.01}\n",
            ["end_share (0.02) is above start_share (0.01)"],
            id="experiments that grow",
        ),
        pytest.param(
            "    experiments: {start_share: 1.5}\n", ["ramp.failure_modes.experiments.start_share: 1.5 is above 0.5"],
            id="more experiments than lots",
        ),
        pytest.param(
            "    detection: {recognised_share: 0}\n    fixing: {teams: -1, residual_share: 1, cv: -0.1}\n",
            ["recognised_share: 0 is not above 0", "teams: -1 is below 0", "residual_share: 1 is not below 1",
             "cv: -0.1 is below 0", "4 errors"],
            id="out of range",
        ),
        pytest.param(
            "    fixin: {teams: 2}\n", ["ramp.failure_modes.fixin: unknown key", "did you mean 'fixing'?"],
            id="unknown key",
        ),
    ],
)  # fmt: skip
def test_each_mistake_is_named(refused, text, messages):
    said = refused(text)
    for message in messages:
        assert message in said, said


def test_a_bare_line_has_no_failure_modes(refused):
    said = refused("    {}\n", head="extends: lines/two_machine_line\nramp:\n  failure_modes:\n")
    assert "a bare line has no process that could fail or be learned" in said


def test_a_conversion_has_no_modes_of_its_own(refused):
    head = "extends: ess_from_4680\nramp: {failure_modes: {}}\nconversion:\n  ramp:\n"
    said = refused("    failure_modes: {}\n", head=head)
    assert "failure modes are those of the line, before and after the conversion" in said
    assert "`product` says which product has a mode" in said


def test_released_by_two_conditions_or_none(refused):
    head = "extends: ev_4680_dry\nramp:\n  default:\n"
    assert "give exactly one of scrap_below_share and scrap_falls_to_share" in refused("    rate: {when: {}}\n", head)
