"""Distributions beside values: what they mean, in which unit, and what is wrong with them, where."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field

from cellfab.config.loader import load, validate
from cellfab.config.schema import json_schema
from cellfab.config.show import render_json
from cellfab.config.spec import Capability, Spec, within
from cellfab.config.value_law import ENDS_LAWS, KEYS, LAWS, LawError, ValueLaw, plain, value_law
from cellfab.errors import ConfigError


class Params(Spec):
    """Fields with bounds of each kind."""

    speed_m_per_min: Annotated[float, Field(gt=0.0)] = 1.0
    share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    count: int = 1
    gap_um: Annotated[Capability, within(1.0, 9.0)] = 2.0
    prices_usd_per_kg: dict[str, float] = {}


@pytest.fixture
def law_of(resolve):
    def read(text: str, path: tuple[str, ...] = ("speed_m_per_min",)) -> ValueLaw:
        resolved = resolve(f=text + "\n")
        validate(resolved, Params)
        law = resolved.notes[path].distribution
        assert isinstance(law, ValueLaw)
        return law

    return read


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("{value: 9, low: 7, high: 12, distribution: triangular}", ValueLaw("triangular", 7, 12, 9)),
        ("{value: 9, low: 7, high: 12, distribution: {law: pert, mode: 8}}", ValueLaw("pert", 7, 12, 8)),
        ("{value: 9, distribution: {law: uniform, low: 7, high: 12}}", ValueLaw("uniform", 7, 12)),
        ("{value: 9, low: 7, high: 12, distribution: log_uniform}", ValueLaw("log_uniform", 7, 12)),
        (
            "{value: 9, low: 7, high: 12, distribution: {law: beta, alpha: 2, beta: 3}}",
            ValueLaw("beta", 7, 12, 2.0, 3.0),
        ),
        (
            "{value: 9, distribution: {law: empirical, values: [11, 8, 9]}}",
            ValueLaw("empirical", 8, 11, values=(8, 9, 11)),
        ),
        ("{value: 9, low: 8, high: 10, distribution: {law: normal, sd: 2}}", ValueLaw("normal", 8, 10, 9, 2)),
    ],
)  # fmt: skip
def test_laws_as_written(law_of, text, law):
    assert law_of(f"speed_m_per_min: {text}") == law


def test_endless_laws_are_cut_at_their_far_quantiles(law_of):
    normal = law_of("speed_m_per_min: {value: 9, distribution: {law: normal, sd: 0.5}}")
    assert (normal.low, normal.high) == pytest.approx((9 - 0.5 * 3.2905, 9 + 0.5 * 3.2905), abs=1e-4)
    assert normal.span == pytest.approx((9 - 0.98, 9 + 0.98), abs=1e-3)
    by_median = law_of("speed_m_per_min: {value: 9, distribution: {law: lognormal, gsd: 1.2}}")
    assert math.sqrt(by_median.span[0] * by_median.span[1]) == pytest.approx(9.0)
    by_mean = law_of("speed_m_per_min: {value: 9, distribution: {law: lognormal, cv: 0.2}}")
    assert math.exp(by_mean.first + by_mean.second**2 / 2) == pytest.approx(9.0)
    by_ends = law_of("speed_m_per_min: {value: 9, low: 8, high: 11, distribution: lognormal}")
    assert by_ends.span == pytest.approx((8.0, 11.0))
    assert by_ends.low < 8.0 < 11.0 < by_ends.high
    cut = law_of("speed_m_per_min: {value: 9, low: 8.5, distribution: {law: normal, sd: 2}}")
    assert cut.low == cut.span[0] == 8.5


def test_numbers_of_a_law_are_converted_with_the_value(law_of):
    found = law_of('speed_mm_per_s: {value: 500, distribution: {law: normal, sd: 10, high: "0.51 m/s"}}')
    assert (found.first, found.second, found.high) == pytest.approx((30.0, 0.6, 30.6))
    pure = law_of("speed_mm_per_s: {value: 500, distribution: {law: lognormal, gsd: 1.1}}")
    assert math.exp(pure.second) == pytest.approx(1.1)
    inner = law_of("prices_usd_per_kg: {nickel: {value: 15, low: 12, high: 20, distribution: pert}}",
                   ("prices_usd_per_kg", "nickel"))  # fmt: skip
    assert inner == ValueLaw("pert", 12, 20, 15)


@pytest.mark.parametrize(
    ("value", "key", "at", "message", "hint"),
    [
        ("low: 12, high: 7", "low", "12", "low (12) is above high (7)", ""),
        ("low: 0", "low", "0", "low 0 is not possible: the value must be above 0 m/min", ""),
        ("distribution: trianguler", "distribution", "tri", "unknown law 'trianguler'", "'triangular'"),
        ("distribution: 3", "distribution", "3", "expected the name of a law", ""),
        ("distribution: pert", "distribution", "pert", "a pert law needs low, high", ""),
        ("distribution: {sd: 1}", "distribution", "{sd", "'law' is missing", "law: normal"),
        ("distribution: {law: normal, sdev: 1}", "distribution.sdev", "1", "unknown key 'sdev'", "'sd'"),
        ("distribution: {law: normal, sd: x}", "distribution.sd", "x", "'sd' must be a number", ""),
        ("distribution: {law: normal, sd: 0}", "distribution.sd", "0", "sd must be above 0", ""),
        ("distribution: {law: lognormal, gsd: 1}", "distribution.gsd", "1", "gsd must be above 1", ""),
        ("low: 7, high: 12, distribution: {law: uniform, sd: 1}", "distribution.sd", "1}", "means nothing to", ""),
        ("low: 7, high: 12, distribution: {law: pert, mode: 13}", "distribution.mode", "13", "mode 13 is not", ""),
        ("low: 7, high: 12, distribution: {law: pert, low: 13}", "distribution.low", "13", "less than high", ""),
        ("low: 7, high: 12, distribution: {law: pert, low: 10}", "distribution", "{law", "outside its own law", ""),
        ("distribution: {law: empirical, values: []}", "distribution.values", "[]", "a list of numbers", ""),
        (
            "distribution: {law: normal, sd: 4}", "distribution", "{law",
            "the normal law reaches from -4.16211 to 22.1621: the value must be above 0 m/min", "with low and high",
        ),
    ],
)  # fmt: skip
def test_laws_that_cannot_be_meant(write, value, key, at, message, hint):
    text = "speed_m_per_min: {value: 9, "
    with pytest.raises(ConfigError) as caught:
        validate(load(write(f=f"{text}{value}}}\n")), Params)
    (problem,) = caught.value.problems
    assert (problem.path, problem.location.column) == (f"speed_m_per_min.{key}", len(text) + value.rindex(at) + 1)
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("share: {value: 0.5, low: -0.1}", "share.low", "-0.1 is not possible: the value must be at least 0 and at"),
        ("share: {value: 0.5, high: 1.1}", "share.high", "high 1.1 is not possible"),
        ("gap_um: {value: 5, high: 10}", "gap_um.high", "at least 1 and at most 9 um"),
        ("prices_usd_per_kg: {value: {a: 1}, distribution: pert}", "prices_usd_per_kg.distribution", "to a number"),
    ],
)
def test_ends_outside_the_physical_range(write, text, path, message):
    with pytest.raises(ConfigError) as caught:
        validate(load(write(f=text + "\n")), Params)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert message in problem.message


def test_a_law_is_shown_with_the_value_it_belongs_to(resolve):
    resolved = resolve(f="share: {value: 0.5, low: 0.2, high: 0.6, distribution: pert, source: assumption}\n")
    validate(resolved, Params)
    before = dict(resolved.notes)
    validate(resolved, Params)
    assert resolved.notes == before, "settling twice changes nothing"
    entry = render_json(resolved)["values"]["share"]
    assert entry["distribution"] == {"law": "pert", "mode": 0.5, "low": 0.2, "high": 0.6}
    assert json.loads(json.dumps(entry)) == entry


@pytest.mark.parametrize("law", LAWS)
def test_what_is_shown_reads_back_as_the_same_law(law):
    numbers: dict[str, Any] = {"low": 2.0, "high": 5.0}
    if law == "beta":
        numbers |= {"alpha": 2.0, "beta": 1.5}
    made = value_law(law, {} if law == "empirical" else numbers, 3.0, values=(2.0, 4.0) if law == "empirical" else ())
    shown = plain(made)
    assert shown.keys() <= {"law", *KEYS}
    again = value_law(shown.pop("law"), {k: v for k, v in shown.items() if k != "values"}, 3.0,
                      values=shown.get("values", ()))  # fmt: skip
    assert (again.low, again.high, again.first, again.second) == pytest.approx(
        (made.low, made.high, made.first, made.second)
    )


def test_a_law_that_is_cut_to_nothing():
    with pytest.raises(LawError, match="leave nothing"):
        value_law("normal", {"sd": 0.1, "low": 5.0, "high": 6.0, "mean": 1.0}, 5.0)


@pytest.mark.parametrize("overlay", [False, True])
def test_editors_know_distributions(overlay):
    validator = Draft202012Validator(json_schema(Params, overlay=overlay))
    good = ["pert", *ENDS_LAWS, {"law": "normal", "sd": 1}, {"law": "lognormal", "gsd": 1.5, "low": "1 m/s"}]
    for law in good:
        assert validator.is_valid({"share": {"value": 0.5, "low": 0.2, "high": 0.6, "distribution": law}}), law
    for law in (
        "beta",
        "empirical",
        3,
        {"sd": 1},
        {"law": "gamma"},
        {"law": "normal", "sdev": 1},
        {"law": "normal", "sd": "x"},
    ):
        assert not validator.is_valid({"share": {"value": 0.5, "distribution": law}}), law
