"""The same command gives the same bytes, whatever process it runs in; without compiled code the same plant."""

from __future__ import annotations

import json

FILES = ("kpi.json", "kpi.csv", "resolved.yaml", "ramp", "ledger", "states", "scrap", "steps", "buffers")


def test_same_bytes_from_two_processes(shell, here, small_plant):
    options = [word for option in (*small_plant, "run.horizon_h=240") for word in ("--set", option)]
    folders = []
    for place, hash_seed in (("one", "1"), ("two", "2")):
        done = shell("run", "ev_4680_dry", *options, "--json", "--out", place, PYTHONHASHSEED=hash_seed)
        assert done.code == 0, done.err
        assert done.err == ""
        folders.append(here / json.loads(done.out)["out_dir"])
    for name in FILES:
        file = name if "." in name else f"{name}.parquet"
        one, two = ((folder / file).read_bytes() for folder in folders)
        assert one == two, file
    assert json.loads((folders[0] / "kpi.json").read_text(encoding="utf-8"))["counts"]["cells_started"] > 20_000


SCRIPT = """
import json, sys
from cellfab.replicate import simulate
from cellfab.scenario import load_scenario

done = simulate(load_scenario(sys.argv[1]), 1)
steps = sorted(done.plant.tally.steps())
scrap = [(*count[:4], count.rows) for count in sorted(done.plant.tally.scraps())]
print(json.dumps([steps, scrap, done.flow.events, done.flow.random_draws], default=int))
"""

TINY = """\
extends: ev_4680_dry
run: {horizon_h: 72}
line:
  sources:
    cathode_powder: {interarrival: "5 h"}
    anode_powder: {interarrival: "5 h"}
  stations:
    cathode_dose: {params: {roll_length_m: 150}}
    anode_dose: {params: {roll_length_m: 150}}
    cathode_dry: {cycle: "4 h"}
    anode_dry: {cycle: "4 h"}
    formation: {params: {channel_h: 4}}
    age: {params: {warm_d: 0.2, rest_d: 0.3}}
ramp: !delete
"""


def test_the_plant_is_the_same_without_compiled_code(here, both_ways):
    """A dozen rolls of 150 m: every count of every step, and every event, on interpreted kernels."""
    (here / "tiny.yaml").write_text(TINY, encoding="utf-8")
    compiled, interpreted = (json.loads(told) for told in both_ways(lambda _: ["-c", SCRIPT, "tiny.yaml"]))
    assert compiled == interpreted
    assert {place for _, _, place, *_ in compiled[0]} >= {"cathode_mix", "wind", "assembly.weld_anode", "grade"}
