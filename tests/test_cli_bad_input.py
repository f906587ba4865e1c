"""Each mistake that a user makes, from the command line: exit 3, file and line named, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

LINE = """\
name: shop
run: {horizon_h: 50, seed: 3}
line:
  sources:
    orders: {interarrival: {law: exponential, mean_min: 2}}
  buffers:
    queue: {from: orders, capacity: 9}
  stations:
    lathe:
      kind: serial
      from: queue
      cycle: {law: exponential, mean_s: 72}
  sinks:
    done: {from: lathe}
"""


@pytest.fixture
def refused(command, here) -> Callable[..., str]:
    """Run a file that must be refused; returns the message, after checks that hold for every refusal."""

    def run(text: str | None = None, *options: str, file: str = "shop.yaml") -> str:
        if text is not None:
            (here / file).write_text(text, encoding="utf-8")
        before = sorted(here.rglob("*"))
        done = command("run", file, *options)
        assert done.code == 3
        assert done.out == ""
        assert "Traceback" not in done.err
        assert done.err.rstrip().endswith(("error", "errors"))
        assert sorted(here.rglob("*")) == before, "nothing is written"
        assert command("validate", file, *options) == (3, "", done.err)
        return str(done.err)

    return run


def changed(old: str, new: str) -> str:
    assert LINE.count(old) == 1
    return LINE.replace(old, new)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            changed("      kind: serial\n", "      kind: serial\n      paralel: 2\n"),
            """\
shop.yaml:11:7: error: line.stations.lathe.paralel: unknown key
    11 |       paralel: 2
               ^
    hint: did you mean 'parallel'?
1 error
""",
            id="misspelt key",
        ),
        pytest.param(
            changed(
                "      kind: serial\n      from: queue\n      cycle: {law: exponential, mean_s: 72}\n",
                "      kind: web\n      from: queue\n      speed_m_per_min: 80000\n",
            ).replace("orders: {", "orders: {unit: m, "),
            """\
shop.yaml:12:24: error: line.stations.lathe.speed_m_per_min: 80 000 m/min is above 2 000
    12 |       speed_m_per_min: 80000
                                ^
    hint: did you mean mm/min (80 m/min)?
1 error
""",
            id="unit slip",
        ),
        pytest.param(
            changed("from: orders", "from: [orders, lathe]"),
            """\
shop.yaml:7:13: error: line.buffers.queue.from: the line runs in a circle: queue -> lathe -> queue
    7 |     queue: {from: [orders, lathe], capacity: 9}
                    ^
    hint: a line runs one way; send lots back with on_expiry: redo and redo_at
1 error
""",
            id="cyclic line",
        ),
        pytest.param(
            changed("from: queue", "from: []"),
            """\
shop.yaml:11:7: error: line.stations.lathe.from: nothing feeds 'lathe'
    11 |       from: []
               ^
    hint: name what it takes from
1 error
""",
            id="station that nothing feeds",
        ),
        pytest.param(
            changed("capacity: 9", "capacity: 0").replace("kind: serial", "kind: batch\n      batch_lots: 4"),
            """\
shop.yaml:7:37: error: line.buffers.queue.capacity: 'lathe' collects 4 lots, so the buffer before it needs room
    7 |     queue: {from: orders, capacity: 0}
                                            ^
    hint: give it the capacity of at least one lot
1 error
""",
            id="buffer of size 0",
        ),
        pytest.param(
            "name: [a, b\n",
            """\
shop.yaml:1:7: error: not YAML: a bracket or quote that opens here is never closed
    1 | name: [a, b
              ^
1 error
""",
            id="not YAML",
        ),
        pytest.param(
            changed("mean_s: 72", "mean_s: -72"),
            """\
shop.yaml:12:41: error: line.stations.lathe.cycle.mean_s: -72 s is not above 0
    12 |       cycle: {law: exponential, mean_s: -72}
                                                 ^
1 error
""",
            id="negative rate",
        ),
        pytest.param(
            changed("mean_s: 72", "mean_s: .nan"),
            """\
shop.yaml:12:41: error: line.stations.lathe.cycle.mean_s: .nan is not a number that can be used here
    12 |       cycle: {law: exponential, mean_s: .nan}
                                                 ^
1 error
""",
            id="NaN",
        ),
        pytest.param(
            changed("{law: exponential, mean_s: 72}", "{law: empirical, values_s: []}"),
            """\
shop.yaml:12:31: error: line.stations.lathe.cycle.values_s: must not be empty
    12 |       cycle: {law: empirical, values_s: []}
                                       ^
1 error
""",
            id="empty distribution",
        ),
    ],
)
def test_bad_input(refused, text, message):
    assert refused(text) == message


def test_a_loop_of_extends(refused, here):
    (here / "base.yaml").write_text("extends: shop.yaml\nname: base\n", encoding="utf-8")
    message = refused("extends: base.yaml\n" + LINE)
    assert message.startswith("base.yaml:1:10: error: extends: ")
    assert "shop.yaml -> base.yaml -> shop.yaml" in message
    assert "extended by shop.yaml:1:10" in message


def test_a_file_that_is_not_text(refused, here):
    (here / "shop.yaml").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    assert refused() == "shop.yaml: error: is not a text file\n1 error\n"


def test_a_file_of_100_mb(refused, here):
    with (here / "shop.yaml").open("wb") as file:
        file.truncate(100_000_000)
    assert "shop.yaml: error: is 100 MB; a configuration may have 10 MB" in refused()


def test_a_name_that_is_nothing(refused):
    message = refused(file="ess_from_4860")
    assert "there is no such file, and no shipped scenario of that name" in message
    assert "did you mean 'ess_from_4680'?" in message


def test_a_wrong_option(refused):
    message = refused(LINE, "--set", "line.stations.lathe.parralel=2", "--set", "run.seed=x")
    assert "--set: error: line.stations.lathe.parralel: unknown key" in message
    assert "line.stations.lathe.parralel=2\n" in message
    assert "run.seed: " in message


def test_a_bare_line_with_a_step(refused):
    message = refused(changed("kind: serial", "kind: serial\n      step: wind"))
    assert "shop.yaml:11:13: error: line.stations.lathe.step: a step needs cells" in message


# ---- the shipped plant, with one thing wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overlay", "place", "message", "hint"),
    [
        (
            "conversion: {product_to: ess_lpf}",
            "2:26: error: conversion.product_to",
            "there is no product 'ess_lpf'",
            "did you mean 'ess_lfp'?",
        ),
        (
            "conversion: {stations: {winder: {action: reuse}}}",
            "2:25: error: conversion.stations.winder",
            "there is no station 'winder'",
            "did you mean 'wind'?",
        ),
        (
            "ramp: {stations: {anode_mixer: {}}}",
            "2:19: error: ramp.stations.anode_mixer",
            "there is no station 'anode_mixer'",
            "did you mean 'anode_mix'?",
        ),
        (
            "conversion: {ramp: {stations: {anode_mixer: {}}}}",
            "2:32: error: conversion.ramp.stations.anode_mixer",
            "there is no station 'anode_mixer'",
            "did you mean 'anode_mix'?",
        ),
        (
            "products: {ess_lfp: {params: {fold: {}}}}",
            "2:31: error: products.ess_lfp.params.fold",
            "there is no station with a step called 'fold'",
            "did you mean 'assembly.fold'?",
        ),
        (
            "products: {ess_lfp: {params: {wind: {tapez: 3}}}}",
            "2:38: error: products.ess_lfp.params.wind.tapez",
            "unknown key",
            "did you mean 'tapes'?",
        ),
        (
            "products: {ess_lfp: {design: {cathode: {active_material: lmfp}}}}",
            "2:58: error: products.ess_lfp.design.cathode.active_material",
            "there is no material 'lmfp'",
            "did you mean 'lfp'?",
        ),
        (
            "materials: {cu_foil: !delete }",
            "error: products.ess_lfp.design.anode.foil",
            "there is no material 'cu_foil'",
            "did you mean 'al_foil'?",
        ),
        (
            "line: {stations: {wind: {params: {tape_material: tap}}}}",
            "2:50: error: line.stations.wind.params.tape_material",
            "uses the material 'tap', which is not in `materials`",
            "did you mean 'tape'?",
        ),
        (
            "line: {sources: {anode_powder: {products: {ev: 1}}}}",
            "2:44: error: line.sources.anode_powder.products.ev",
            "there is no product 'ev'",
            "known: ev_nmc811, ess_lfp",
        ),
        (
            "line: {sources: {anode_powder: {products: !delete }}}",
            "error: line.sources.anode_powder",
            "does not say which of the `products` its lots are made for",
            "add 'products: {ev_nmc811: 1}'",
        ),
        (
            "line: {stations: {wind: {step: wnd}}}",
            "2:32: error: line.stations.wind.step",
            "unknown step 'wnd'",
            "did you mean 'wind'?",
        ),
        (
            "economics: !delete",
            "1:1: error: economics",
            "is missing, and a scenario that makes cells counts their cost",
            "extends: economics/us_2026",
        ),
        (
            "run: {engine: compiled}",
            "2:15: error: run.engine",
            "the compiled engine runs bare lines only, and this scenario makes cells",
            "leave it out",
        ),
        (
            "conversion: {stop_week: 300}",
            "2:25: error: conversion.stop_week",
            "week 300 is after the end of the run (104 weeks)",
            "lengthen run.horizon_h",
        ),
        (
            "products: {ess_lfp: {design: {package: {collector_disc_cu_mm: 0}}}}",
            "error: line.stations.assembly.machines.weld_anode",
            "the design has no cu disc to weld (product 'ess_lfp')",
            "",
        ),
    ],
)
def test_a_plant_with_one_thing_wrong(refused, overlay, place, message, hint):
    text = refused(f"extends: ess_from_4680\n{overlay}\n")
    lines = text.splitlines()
    found = [line for line in lines if message in line]
    assert found, text
    assert place in found[0]
    assert hint in text


def test_every_problem_in_one_go(refused):
    """Faults of a key, of a range, of the wiring, of two steps' parameters, of names, and of a design."""
    message = refused(
        """\
extends: ess_from_4680
line:
  stations:
    wind: {paralel: 16}
    cathode_film:
      speed_m_per_min: 80000
    assembly:
      machines:
        weld_anode: {params: {power_w: -3}}
    grade: {from: aged_tray}
    formation: {params: {channel_hh: 3}}
products:
  ess_lfp:
    design: {cathode: {active_material: lpf, loading_mg_per_cm2: -1}}
    params: {cathode_mixx: {}}
conversion:
  product_to: ess_lpf
ramp: {stations: {cathode_mixer: {}}}
"""
    )
    found = {":".join(line.split(":")[:2]) for line in message.splitlines() if line.startswith("shop.yaml")}
    assert found == {f"shop.yaml:{line}" for line in (4, 6, 9, 10, 11, 14, 15, 17, 18)}
    assert message.endswith("10 errors\n")


def test_a_line_whose_feeds_cannot_be_read_is_not_checked_further(refused):
    message = refused(changed("from: queue", "from: 3").replace("horizon_h", "horizon"))
    assert [line.split(" ")[0] for line in message.splitlines() if line.startswith("shop.yaml")] == [
        "shop.yaml:2:7:",
        "shop.yaml:11:13:",
    ]


def test_files_are_named_as_the_user_wrote_them(refused, here):
    (here / "below").mkdir()
    (here / "below" / "shop.yaml").write_text(LINE.replace("serial", "cereal"), encoding="utf-8")
    assert refused(file=str(Path("below") / "shop.yaml")).startswith("below/shop.yaml:10:13: error: ")
