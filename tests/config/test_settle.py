from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.distribution import Distribution, Exponential
from cellfab.config.loader import load, validate, validate_merged
from cellfab.config.spec import Capability, Spec
from cellfab.errors import ConfigError
from cellfab.units import from_suffix, same_dimension


class Params(Spec):
    """One field of each sort that units matter for."""

    speed_m_per_min: float = 1.0
    share: float = 0.5
    count: int = 1
    prices_usd_per_kg: dict[str, float] = {}
    levels_um: tuple[float, ...] = ()
    gap_um: Capability = 1.0
    cycle: Distribution = Exponential(law="exponential", mean_s=1.0)
    pause: Distribution | None = None
    name: str = "weld"
    active: bool = True


@pytest.fixture
def params(resolve):
    """Validate one line of YAML as `Params`; returns the spec and the configuration."""

    def _params(text: str):
        resolved = resolve(f=text + "\n")
        return validate(resolved, Params), resolved

    return _params


@pytest.fixture
def complaint(write):
    """The one problem of one line of YAML: column, message and hint."""

    def _complaint(text: str):
        with pytest.raises(ConfigError) as caught:
            validate(load(write(f=text + "\n")), Params)
        (problem,) = caught.value.problems
        return problem.path, problem.location.column, problem.message, problem.hint

    return _complaint


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ('speed_m_per_min: "1 m/s"', "speed_m_per_min", 60.0),
        ('speed_m_per_min: "60m/min"', "speed_m_per_min", 60.0),
        ("speed_mm_per_s: 500", "speed_m_per_min", 30.0),
        ('speed_mm_per_s: "1 m/s"', "speed_m_per_min", 60.0),
        ("speed_mm_per_s: {value: 500, low: 400, high: 600, source: x}", "speed_m_per_min", 30.0),
        ('share: "95 %"', "share", 0.95),
        ("share_percent: 95", "share", 0.95),
        ("share_ppm: 20", "share", 0.00002),
        ("count: 3.0", "count", 3),
        ('prices_usd_per_kg: {lfp: "12 $/t", nmc: 20}', "prices_usd_per_kg", {"lfp": 0.012, "nmc": 20.0}),
        ("prices_usd_per_t: {lfp: 12000}", "prices_usd_per_kg", {"lfp": 12.0}),
        ('levels_um: [1, "0.5 mm"]', "levels_um", (1.0, 500.0)),
        ("levels_mm: [1, 2]", "levels_um", (1000.0, 2000.0)),
        ("gap_mm: 0.5", "gap_um", 500.0),
    ],
)
def test_a_value_in_another_unit_is_converted(params, text, field, value):
    spec, resolved = params(text)
    assert getattr(spec, field) == value
    # What was settled is what is written out, under the field's own name.
    assert list(resolved.tree) == [field]


def test_a_ramped_value_takes_the_unit_of_its_field(params):
    spec, _ = params('gap_mm: {start: 0.5, mature: "20 um"}')
    assert (spec.gap_um.start, spec.gap_um.mature) == (500.0, 20.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ('cycle: "1.5 s"', 1.5),
        ('cycle: "2 min"', 120.0),
        ("cycle_s: 1.5", 1.5),
        ("cycle_ms: 250", 0.25),
        ('cycle_s: "2 min"', 120.0),
        ("cycle_min: {value: 2, low: 1, high: 3, source: log}", 120.0),
        ("cycle: {law: deterministic, value_min: 2}", 120.0),
        ('cycle: {law: deterministic, value_s: "2 min"}', 120.0),
    ],
)
def test_a_duration_is_a_law(params, text, seconds):
    spec, resolved = params(text)
    assert spec.cycle.value_s == seconds
    assert resolved.tree == {"cycle": {"law": "deterministic", "value_s": seconds}}
    assert resolved.location("cycle.value_s").line == 1


def test_laws_in_hours(params):
    spec, _ = params("cycle: {law: lognormal, mean_h: 2, cv: 0.5}")
    assert spec.cycle.mean_s == 7200.0
    spec, _ = params("cycle: {law: empirical, values_min: [1, 2]}")
    assert spec.cycle.values_s == (60.0, 120.0)


@pytest.mark.parametrize(
    ("text", "path", "column", "message", "hint"),
    [
        ("speed_m_per_min: fast", "speed_m_per_min", 18, "expected a number in m/min, got 'fast'", ""),
        ('speed_m_per_min: "60"', "speed_m_per_min", 18, "expected a number in m/min, got '60'", "remove the quotes"),
        ("speed_m_per_min: 1_000", "speed_m_per_min", 18, "expected a number in m/min, got '1_000'", "write 1000"),
        (
            "speed_m_per_min: 1 000.5",
            "speed_m_per_min",
            18,
            "expected a number in m/min, got '1 000.5'",
            "write 1000.5",
        ),
        ("speed_m_per_min: 80 000 mm/min", "speed_m_per_min", 18, "got '80 000 mm/min'", "write 80000 mm/min"),
        ("cycle: 1,5 min", "cycle", 8, "expected a number in s, got '1,5 min'", "write 1.5 min"),
        ("speed_m_per_min: 1,5", "speed_m_per_min", 18, "expected a number in m/min, got '1,5'", "write 1.5"),
        ("speed_m_per_min: yes", "speed_m_per_min", 18, "expected a number in m/min, got 'yes'", ""),
        ("speed_m_per_min: true", "speed_m_per_min", 18, "expected a number in m/min, got true", ""),
        ("speed_m_per_min:", "speed_m_per_min", 17, "expected a number in m/min, got nothing", "indent what belongs"),
        ("speed_m_per_min: [1]", "speed_m_per_min", 1, "expected a number in m/min, got a list", ""),
        ("speed_m_per_min: {}", "speed_m_per_min", 1, "expected a number in m/min, got a mapping", ""),
        ('speed_m_per_min: "3 kg"', "speed_m_per_min", 18, "expected a number in m/min, got '3 kg': kg cannot be", ""),
        ('speed_m_per_min: "3 M/min"', "speed_m_per_min", 18, "unknown unit 'M' in 'M/min'", "did you mean 'm'?"),
        ('share: "3 kg"', "share", 8, "the value must be without a unit", ""),
        ("speed_m_per_min: {value: 1, hgih: 2}", "speed_m_per_min", 1, "got a mapping", "did you mean 'high'?"),
        ("speed_m_per_min: {low: 1, high: 2}", "speed_m_per_min", 1, "got a mapping", "add 'value'"),
        ("speed_m_per_min: {value: 5, low: 6}", "speed_m_per_min", 26, "lies outside its own range (low 6)", ""),
        ("speed_m_per_min: {value: 5, high: 1}", "speed_m_per_min", 26, "lies outside its own range (high 1)", ""),
        ("speed_m_per_min: {value: 5, low: x}", "speed_m_per_min.low", 34, "'low' must be a number, got 'x'", ""),
        ("speed_m_per_min: {value: 5, low: [1]}", "speed_m_per_min.low", 34, "expected a number", ""),
        ("speed_m_per_min: {value: 5, source: 7}", "speed_m_per_min.source", 37, "expected a text", ""),
        ("count: 2.5", "count", 8, "expected a whole number, got 2.5", ""),
        ("active: no", "active", 9, "expected true or false, got 'no'", "did you mean false?"),
        ("active: 1", "active", 9, "expected true or false, got 1", ""),
        ("name: 12", "name", 7, "expected text, got 12", "put it in quotes"),
        ("cycle: 1.5", "cycle", 8, "expected a law such as", 'write the unit: "1.5 s" or "1.5 min"'),
        ("cycle: fast", "cycle", 8, "expected a law such as", ""),
        ('cycle: "3 kg"', "cycle", 8, "expected a number in s, got '3 kg'", ""),
        ("cycle: [1, 2]", "cycle", 1, "expected a law such as", ""),
        ("cycle: {law: empirical, values_s: []}", "cycle.values_s", 25, "must not be empty", ""),
        ("cycle: {law: exponental, mean_s: 1}", "cycle.law", 14, "unknown law 'exponental'", "mean 'exponential'?"),
        ("cycle: {mean_s: 1}", "cycle.law", 1, "is missing", "one of deterministic, exponential"),
        (
            "cycle: {law: exponential, shape: 1, mean_s: 1}",
            "cycle.shape",
            27,
            "unknown key",
            "it belongs to law weibull",
        ),
        ("cycle: {law: weibull, shape: 1}", "cycle", 1, "give exactly one of scale_s and mean_s", ""),
        ("cycle: {law: exponential, mean_s: 0}", "cycle.mean_s", 35, "0 s is not above 0", ""),
        ("cycle: {law: exponential, mean_s: -2}", "cycle.mean_s", 35, "-2 s is not above 0", ""),
        ("cycle_kg: 3", "cycle_kg", 1, "unknown key", "did you mean 'cycle'?"),
        ("speed_kg: 3", "speed_kg", 1, "unknown key", "did you mean 'speed_m_per_min'? kg does not convert to it"),
        ("cycle: 1 s\ncycle_s: 1", "cycle_s", 1, "'cycle' in line 1 and 'cycle_s' say the same thing", ""),
        ("gap_um: fast", "gap_um", 9, "expected a number in um, got 'fast'", ""),
        ("gap_um: [1]", "gap_um", 1, "expected a number in um or a mapping, got a list", ""),
        ("gap_um: {start: 1}", "gap_um.mature", 1, "is missing", ""),
        ("gap_um: {start: 1, mature: x}", "gap_um.mature", 28, "expected a number in um, got 'x'", ""),
    ],
)
def test_values_that_cannot_be_meant(complaint, text, path, column, message, hint):
    found = complaint(text)
    assert found[:2] == (path, column)
    assert message in found[2]
    assert hint in found[3]


speeds = st.sampled_from([from_suffix("m_per_min"), *same_dimension(from_suffix("m_per_min"))])


@given(value=st.floats(1e-6, 1e6), unit=speeds)
def test_key_and_quantity_give_the_same_number(value, unit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("round")
    (folder / "a.yaml").write_text(f"speed_{unit.suffix}: {value!r}\n", encoding="utf-8")
    (folder / "b.yaml").write_text(f'speed_m_per_min: "{value!r} {unit.symbol}"\n', encoding="utf-8")
    one, two = (validate(load(folder / name), Params) for name in ("a.yaml", "b.yaml"))
    assert one == two


def test_a_higher_layer_may_use_another_unit(resolve):
    resolved = resolve(top="extends: low\nspeed_mm_per_s: 500\n", low="speed_m_per_min: 60\ncycle_s: 3\n")
    assert validate(resolved, Params).speed_m_per_min == 30.0
    assert resolved.tree == {"speed_m_per_min": 30.0, "cycle": {"law": "deterministic", "value_s": 3}}
    assert str(resolved.location("speed_m_per_min")) == "top.yaml:2:17"


def test_a_law_over_a_duration_and_a_duration_over_a_law(resolve):
    low = "cycle_s: {value: 3, source: log}\n"
    resolved = resolve(top="extends: low\ncycle: {law: exponential, mean_s: 5}\n", low=low)
    assert validate(resolved, Params).cycle == Exponential(law="exponential", mean_s=5.0)
    assert resolved.notes == {}
    resolved = resolve("cycle_min=1", top="extends: low\n", low="cycle: {law: exponential, mean_s: 5}\n")
    assert validate(resolved, Params).cycle.value_s == 60.0
    assert resolved.location("cycle").source.text == "cycle_min=1"


def test_settling_twice_changes_nothing(params):
    _, resolved = params('speed_mm_per_s: {value: 500, low: "0.4 m/s", source: assumption}\ncycle_min: 2\n')
    tree, notes, origins = dict(resolved.tree), dict(resolved.notes), dict(resolved.origins)
    validate(resolved, Params)
    assert (resolved.tree, resolved.notes, resolved.origins) == (tree, notes, origins)


def test_the_range_of_a_value_is_converted_with_it(params):
    _, resolved = params('speed_mm_per_s: {value: 500, low: 400, high: "1 m/s", source: "Assumption: slow"}')
    note = resolved.notes[("speed_m_per_min",)]
    assert (note.value, note.low, note.high) == (30.0, 24.0, 60.0)
    (assumption,) = resolved.assumptions()
    assert assumption.path == "speed_m_per_min"
    assert assumption.note.relative_width == 1.2
    assert str(assumption.location) == "f.yaml:1:25"


def test_assumptions_are_ranked_by_how_little_is_known(params):
    _, resolved = params(
        "share: {value: 0.5, low: 0.4, high: 0.6, source: assumption}\n"
        "speed_m_per_min: {value: 10, low: 1, high: 30, source: assumption}\n"
        "count: {value: 3, source: 'assumption: nobody knows'}\n"
        "gap_um: {value: 3, low: 1, high: 9, source: a paper}\n"
    )
    assert [one.path for one in resolved.assumptions()] == ["speed_m_per_min", "share", "count"]


def test_a_recipe_over_a_station(resolve):
    text = "station: {speed_m_per_min: 10, cycle_s: 3, gap_um: {start: 5, mature: 2}}\nrecipe: {cycle_min: 1}\n"
    text += "other: {gap_um: {mature: 1}}\n"
    resolved = resolve(f=text)
    spec = validate_merged(resolved, Params, ["station", "recipe", "other", "none"])
    assert (spec.speed_m_per_min, spec.cycle.value_s) == (10.0, 60.0)
    assert (spec.gap_um.start, spec.gap_um.mature) == (5.0, 1.0)


def test_problems_of_a_recipe_stand_where_they_were_written(resolve):
    text = (
        "station: {speed_m_per_min: fast, cycle: {law: exponential, mean_s: -1}, count: 1.5}\n"
        "recipe: {count: 2.5, nmae: x, cycle: {law: weibull, shape: 0}}\n"
    )
    resolved = resolve(f=text)
    with pytest.raises(ConfigError) as caught:
        validate_merged(resolved, Params, ["station", ("recipe",)])
    assert [(one.path, str(one.location)) for one in caught.value.problems] == [
        ("station.speed_m_per_min", "f.yaml:1:28"),
        ("recipe.count", "f.yaml:2:17"),
        ("recipe.nmae", "f.yaml:2:22"),
        ("recipe.cycle.shape", "f.yaml:2:60"),
    ]


def test_a_part_that_is_not_there_is_empty(resolve):
    resolved = resolve(f="a: {b: 1}\n")
    assert validate(resolved, Params, "a.params") == Params()


def test_validating_a_part(resolve):
    resolved = resolve(f="a:\n  params:\n    speed_mm_per_s: 500\n")
    assert validate(resolved, Params, "a.params").speed_m_per_min == 30.0
    assert resolved.tree == {"a": {"params": {"speed_m_per_min": 30.0}}}
    with pytest.raises(ConfigError) as caught:
        validate(resolved, Exponential, at=("a", "params"))
    assert [(one.path, one.message) for one in caught.value.problems] == [
        ("a.params.law", "is missing"),
        ("a.params.mean_s", "is missing"),
        ("a.params.speed_m_per_min", "unknown key"),
    ]
