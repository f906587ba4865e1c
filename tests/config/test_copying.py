"""Several lines of one plant: which nodes exist once, which once per line, and what cannot be laid out."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfab.config.line_checks import line_problems
from cellfab.config.plant_of_lines import PlantOfLines
from cellfab.errors import ConfigError
from cellfab.scenario import load_scenario

LINE = """\
name: plant
run: {horizon_h: 500}
line:
  crews: {fitters: {size: 2}, cleaners: {size: 1}}
  sources: {foil: {}, lids: {}}
  stations:
    coat:
      kind: serial
      from: foil
      cycle_s: 20
      failures:
        jam: {time_to_failure: {law: exponential, mean_h: 9}, time_to_repair: "20 min", crew: cleaners}
    wind: {kind: serial, from: {rolls: 1, lid_store: 1}, cycle_s: 60}
    weld:
      kind: serial
      from: bodies
      machines:
        left:
          cycle_s: 50
          failures:
            arc: {time_to_failure: {law: exponential, mean_h: 9}, time_to_repair: "20 min", crew: fitters}
    form: {kind: channels, from: trays, positions: 30, occupied_h: 0.2}
    grade: {kind: serial, from: formed, cycle_s: 20}
  buffers:
    rolls: {from: coat, capacity: 9}
    lid_store: {from: lids, capacity: 9}
    bodies: {from: wind, capacity: 9}
    trays: {from: weld, capacity: 9, maximum_wait_h: 40, on_expiry: redo, redo_at: bodies}
    formed: {from: form, capacity: 9}
  sinks: {store: {from: grade}}
"""


NO_REDO = "line: {buffers: {trays: {on_expiry: scrap, redo_at: !delete }}}\n"


def plant(here: Path, lines: str):
    (here / "plant.yaml").write_text(LINE)
    (here / "lines.yaml").write_text(f"name: lines\nextends: plant.yaml\nlines:\n{lines}")
    return load_scenario(here / "lines.yaml")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path


def test_each_line_has_its_own_nodes_and_what_is_shared_exists_once(here: Path) -> None:
    scenario = plant(here, "  named: {one: {}, two: {}}\n  shared: [coat]\n  shared_crews: [fitters]\n")
    line = scenario.spec.line
    assert list(line.sources) == ["foil", "one-lids", "two-lids"]  # what feeds only what is shared is shared
    assert list(line.stations) == [
        "coat", "one-wind", "two-wind", "one-weld", "two-weld", "one-form", "two-form", "one-grade", "two-grade",
    ]  # fmt: skip
    assert list(line.buffers)[:3] == ["rolls", "one-lid_store", "two-lid_store"]  # beside a shared station
    assert line.stations["two-wind"].feed == {"rolls": 1, "two-lid_store": 1}
    assert line.buffers["two-trays"].redo_at == "two-bodies"
    assert line.sinks["one-store"].feed == "one-grade"
    # A crew that is not shared exists once per line, and as written for what is shared.
    assert list(line.crews) == ["fitters", "one-cleaners", "two-cleaners", "cleaners"]
    assert line.stations["coat"].failures["jam"].crew == "cleaners"
    assert line.stations["two-weld"].machines["left"].failures["arc"].crew == "fitters"
    assert line_problems(line) == []


def test_what_is_shared_downstream_takes_from_all_lines(here: Path) -> None:
    scenario = plant(here, f"  count: 3\n  shared: [form]\n{NO_REDO}")
    line = scenario.spec.line
    assert line.buffers["trays"].feed == ("line1-weld", "line2-weld", "line3-weld")
    assert line.buffers["formed"].feed == "form"
    assert line.stations["line2-grade"].feed == "formed"


def test_names_and_starts(here: Path) -> None:
    layout = plant(here, "  named: {a: {}, b: {start_week: 1}, c: {copy_of: b}}\n  spacing_weeks: 2\n").layout
    assert layout.start_weeks == {"a": 0.0, "b": 1.0, "c": 3.0}
    assert [layout.twin(name) for name in ("a-wind", "b-wind", "c-wind")] == [None, "a-wind", "b-wind"]
    assert layout.copies("weld") == ("a-weld", "b-weld", "c-weld")
    assert layout.name_on("b", "weld.left") == "b-weld.left"
    assert layout.begins()["c-weld"] == 3 * layout.begins()["b-weld"]
    assert "a-weld" not in layout.begins()


def test_what_differs_on_one_line_is_laid_over_the_line(here: Path) -> None:
    lines = "  named:\n    one: {}\n    two: {line: {stations: {wind: {cycle_s: 40, parallel: 2}}}}\n"
    scenario = plant(here, lines)
    one, two = (scenario.spec.line.stations[f"{name}-wind"] for name in ("one", "two"))
    assert (one.cycle.value_s, one.parallel, two.cycle.value_s, two.parallel) == (60.0, 1, 40.0, 2)
    assert two.feed == {"two-rolls": 1, "two-lid_store": 1}
    assert scenario.alone["two"].spec.line.stations["wind"].parallel == 2
    changed = load_scenario(here / "lines.yaml", ["lines.named.two.line.stations.wind.parallel=3"])
    assert changed.spec.line.stations["two-wind"].parallel == 3
    assert changed.digest != scenario.digest
    every = load_scenario(here / "lines.yaml", ["line.stations.grade.parallel=4"])
    assert [every.spec.line.stations[f"{name}-grade"].parallel for name in ("one", "two")] == [4, 4]


def test_what_is_not_written_yet_can_be_set_for_one_line(here: Path) -> None:
    plant(here, "  named: {one: {}, two: {line: {stations: {wind: {cycle_s: 40}}}}}\n")
    for line, machines in (("one", [3, 1]), ("two", [1, 3])):
        one = load_scenario(here / "lines.yaml", [f"lines.named.{line}.line.stations.grade.parallel=3"])
        assert [one.spec.line.stations[f"{name}-grade"].parallel for name in ("one", "two")] == machines
    with pytest.raises(ConfigError) as error:
        load_scenario(here / "lines.yaml", ["lines.named.two.line.stations.grade.paralel=3"])
    assert "lines.named.two.line.stations.grade.paralel: unknown key" in str(error.value)
    assert "did you mean 'parallel'?" in str(error.value)


def test_what_is_shared_and_which_line_differs(here: Path) -> None:
    lines = "  named: {one: {}, two: {line: {stations: {wind: {cycle_s: 40}}}}}\n  shared: [coat]\n"
    scenario = plant(here, lines)
    told = PlantOfLines(scenario.spec, scenario.layout)
    assert told.shared_stations() == ["coat"]
    assert [told.differs(line) for line in ("one", "two", "three")] == [False, True, False]
    alone = PlantOfLines(load_scenario(here / "plant.yaml").spec)
    assert alone.shared_stations() == []
    assert not alone.differs("one")


def test_laws_of_later_lines_are_their_own_where_they_are_written(here: Path) -> None:
    """The first line and what is shared learn as the one line does; copies by `lines.ramp`, without it alike."""
    one = load_scenario("ev_4680_dry").spec.ramp
    two = load_scenario("ev_4680_two_lines").spec
    (here / "alike.yaml").write_text("name: alike\nextends: ev_4680_dry\nlines: {count: 2}\n")
    alike = load_scenario(here / "alike.yaml").spec.ramp
    assert one is not None and two.ramp is not None and two.lines is not None and two.lines.ramp is not None
    assert alike is not None
    later = two.lines.ramp
    assert later.of("wind") != one.of("wind")
    for station in ("wind", "assembly", "cathode_film", "formation"):
        assert two.ramp.of(f"one-{station}") == one.of(station)
        assert two.ramp.of(f"two-{station}") == later.of(station)
        assert alike.of(f"line1-{station}") == alike.of(f"line2-{station}") == one.of(station)
    assert two.ramp.of("cathode_mix") == one.of("cathode_mix")


def test_the_resolved_text_is_the_same_plant(here: Path) -> None:
    scenario = plant(here, "  named: {one: {}, two: {start_week: 1}}\n  shared: [coat]\n")
    (here / "again.yaml").write_text(scenario.resolved_yaml())
    again = load_scenario(here / "again.yaml")
    assert again.spec.line == scenario.spec.line
    assert again.digest == scenario.digest


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("  count: 0\n", "lines.yaml:4:10: error: lines.count: "),
        ("  shared: [coat]\n", "lines: says of no line that it exists"),
        ("  count: 2\n  shared: [coat, foam]\n", "5:18: error: lines.shared.1: there is no station 'foam' in the line"),
        ("  count: 2\n  shared: [coat, coat]\n", "5:18: error: lines.shared.1: 'coat' is named twice"),
        ("  count: 2\n  shared_crews: [fitter]\n", "5:18: error: lines.shared_crews.0: there is no crew 'fitter'"),
        ("  named: {a: {}, b: {start_week: 9}, c: {start_week: 4}}\n", "'c' starts in week 4, before 'b' in week 9"),
        ("  named: {a: {start_week: 2}}\n", "4:27: error: lines.named.a.start_week: the run begins with the first"),
        ("  named: {a: {}, b: {copy_of: c}, c: {}}\n", "'b' can be a copy of an earlier line only"),
        ("  named: {a: {}, b: {copy_of: d}}\n", "there is no line 'd'"),
        ("  named: {a: {}, b-b: {}}\n", "4:18: error: lines.named.b-b: 'b-b' cannot be the name of a line"),
        ("  count: 2\n  named: {line3: {}}\n", "5:11: error: lines.named.line3: there is no line 'line3'"),
        ("  named: {a: {}, b: {line: {stations: {winder: {}}}}}\n", "there is no 'winder' under line.stations"),
        ("  named: {a: {}, b: {line: {calendars: {}}}}\n", "a line has no 'calendars' of its own"),
        ("  named: {a: {line: {stations: {coat: {cycle_s: 3}}}}}\n  shared: [coat]\n", "cannot be different on one"),
        (
            "  named: {a: {line: {stations: {wind: {cycle_s: slow}}}}}\n",
            "4:49: error: lines.named.a.line.stations.wind.cycle: expected",
        ),
        (
            "  named: {a: {line: {stations: {wind: 3}}}}\n",
            "4:39: error: lines.named.a.line.stations.wind: expected a mapping",
        ),
        (
            "  named: {a: {line: {stations: {wind: {kind: web}}}}}\n",
            "4:33: error: lines.named.a.line.stations.wind.speed_m_per_min: is missing",
        ),
        ("  count: 2\n  shared: [form]\n", "'trays' is shared, and does not know to which line's 'bodies'"),
        ("  count: 2\n  transfer_loss_share: 1.5\n", "5:24: error: lines.transfer_loss_share: "),
    ],
)
def test_what_cannot_be_laid_out_is_said_where_it_is_written(here: Path, lines: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        plant(here, lines)
    assert message in str(error.value)


def test_a_name_that_two_nodes_would_have(here: Path) -> None:
    extra = "line: {stations: {two-wind: {kind: serial, from: foil, cycle_s: 1}}, sinks: {z: {from: two-wind}}}\n"
    with pytest.raises(ConfigError, match="'two-wind' is also what 'wind' of line 'two' is called"):
        plant(here, "  named: {one: {}, two: {}}\n" + extra)
