"""Each mistake that can be made in a plan, with the exact place that the message names."""

from __future__ import annotations

import pytest

from cellfab.errors import ConfigError
from cellfab.scenario import load_scenario

HEAD = "name: x\nextends: ess_from_4680\nconversion:\n"


def problems_of(tmp_path, text):
    path = tmp_path / "f.yaml"
    path.write_text(HEAD + text)
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    return str(caught.value).replace(str(path), "f.yaml")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(
            "  tasks:\n    install.wind: {after: [release]}\n",
            ["f.yaml:5:28", "install.wind -> commissioning -> requalification -> release -> install.wind"],
            id="cycle through a generated task",
        ),
        pytest.param(
            "  tasks:\n    one: {duration_weeks: 1, after: [two]}\n    two: {duration_weeks: 1, after: [one]}\n",
            ["f.yaml:6:38", "the plan runs in a circle: one -> two -> one"],
            id="cycle of two",
        ),
        pytest.param(
            "  tasks:\n    audit: {duration_weeks: 2, station: winder, before: [release]}\n",
            ["f.yaml:5:41", "there is no station 'winder'", "did you mean 'wind'?"],
            id="task on a station that is not there",
        ),
        pytest.param(
            "  stations:\n    winder: {action: modify}\n",
            ["f.yaml:5:5", "there is no station 'winder'", "did you mean 'wind'?"],
            id="work on a station that is not there",
        ),
        pytest.param(
            "  tasks:\n    instal.wind: {after: [drain]}\n",
            ["f.yaml:5:5", "there is no task 'instal.wind' in this plan", "did you mean 'install.wind'?"],
            id="misspelt task",
        ),
        pytest.param(
            "  tasks:\n    audit: {duration_weeks: 2, after: [comissioning], before: [release]}\n",
            ["f.yaml:5:40", "there is no task 'comissioning'", "did you mean 'commissioning'?"],
            id="misspelt dependency",
        ),
        pytest.param(
            "  tasks:\n    release: {after: [requalification]}\n    requalification: {after: [strip_out]}\n",
            ["f.yaml:6:23", "on a line that has not passed its acceptance", "'release' does not wait for 'install."],
            id="release before installation",
        ),
        pytest.param(
            "  tasks:\n    commissioning: {after: [strip_out, install.wind]}\n",
            ["f.yaml:5:21", "'commissioning' does not wait for 'install.cathode_dose'", "and 9 others"],
            id="commissioning of half a line",
        ),
        pytest.param(
            "  tasks:\n    install.wind: {after: [stop]}\n",
            ["f.yaml:5:20", "the old machine is still in its place"],
            id="installation before strip-out",
        ),
        pytest.param(
            "  tasks:\n    hot_test: {duration_weeks: 2, station: wind}\n",
            ["f.yaml:5:5", "'release' does not wait for 'hot_test'"],
            id="release before a station of one's own task",
        ),
        pytest.param(
            "  payment: {order_share: 0.5}\n", ["f.yaml:4:3", "add up to 1.2, not to 1"], id="payments beyond the price"
        ),
        pytest.param(
            "  payment: {}\n",
            ["f.yaml:4:3", "due at an order and a delivery", "write conversion.decision_week"],
            id="payment at an order that is never placed",
        ),
        pytest.param(
            "  install_crews: {fitters: 2}\n  crews: {fitter: 2}\n",
            ["f.yaml:4:19", "there is no crew 'fitters'", "did you mean 'fitter'?"],
            id="misspelt crew",
        ),
        pytest.param(
            "  install_crews: {fitters: 3}\n  crews: {fitters: 2}\n",
            ["f.yaml:4:28", "takes 3 of 'fitters', and there are 2"],
            id="crew too small",
        ),
        pytest.param(
            "  tasks:\n    drain: {duration_weeks: 2}\n",
            ["f.yaml:5:13", "the simulation finds out", "drain.expected_weeks"],
            id="fixed length of the drain",
        ),
        pytest.param(
            "  tasks:\n    stop: {not_before_week: 300}\n",
            ["f.yaml:5:5", "stops in week 300.0, after the end of the run (104 weeks)"],
            id="stop after the run",
        ),
        pytest.param(
            "  stations:\n    wind: {slips: {late: {likely_weeks: 5, low_weeks: 8, high_weeks: 9}}}\n",
            ["f.yaml:5:20", "low_weeks <= likely_weeks"],
            id="slip out of order",
        ),
        pytest.param("  product_from: null\n", ["idle from the start stops in week 0"], id="idle line stops later"),
        pytest.param("  people: {laid_off_share: 1.4}\n", ["f.yaml:4:28", "1.4 is above 1"], id="more people than all"),
        pytest.param(
            "  tasks:\n    install.wind: {station: fill}\n",
            ["f.yaml:5:29", "it is about wind"],
            id="another station for a generated task",
        ),
    ],
)  # fmt: skip
def test_every_mistake_is_named_where_it_is(tmp_path, text, found):
    message = problems_of(tmp_path, text)
    for part in found:
        assert part in message, message


def test_a_task_that_nothing_waits_for_is_a_warning(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(HEAD + "  tasks:\n    module_line: {duration_weeks: 9}\n")
    (warning,) = [found for found in load_scenario(path).warnings if "module_line" in found.path]
    assert "nothing waits for this task" in warning.message
    assert str(warning.location).endswith(":5:5")


def test_all_mistakes_of_a_plan_are_told_at_once(tmp_path):
    text = (
        "  tasks:\n    audit: {duration_weeks: 2, after: [comissioning], station: winder, before: [release]}\n"
        "  install_crews: {fitters: 2}\n"
    )
    assert "3 errors" in problems_of(tmp_path, text)
