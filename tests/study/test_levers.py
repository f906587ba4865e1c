"""What levers are worth: on lines where the answer is known, what is told of it, and mistakes in the file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cellfab.errors import ConfigError, UsageError
from cellfab.report.levers_text import sentence
from cellfab.scenario import load_scenario
from cellfab.study.conduct import run_study
from cellfab.study.default_levers import KINDS, default_levers
from cellfab.study.levers import TARGET
from cellfab.study.levers_file import goal_of, write_levers_study
from cellfab.study.plan import load_study

TANDEM = """\
name: tandem
run: {horizon_h: 20, warmup_h: 0.5}
line:
  sources: {iron: {}}
  stations:
    cut: {kind: serial, from: iron, cycle: {law: exponential, mean_s: 1.0}}
    drill: {kind: serial, from: rack, cycle: {law: exponential, mean_s: 1.25}}
  buffers: {rack: {from: cut, capacity: 2}}
  sinks: {out: {from: drill}}
"""
LEVERS = """\
name: which
base: tandem.yaml
levers:
  cut: {set: {line.stations.cut.cycle.mean_s: 0.9}, text: cutting 10 % faster, amount: 10, unit: "% of speed"}
  drill: {set: {line.stations.drill.cycle.mean_s: 1.125}, text: drilling 10 % faster}
  rack: {set: {line.buffers.rack.capacity: 3}, amount: 1, unit: places}
  slower: {set: {line.stations.drill.cycle.mean_s: 1.5}}
ranking: {metric: throughput_per_h}
replicates: 10
metrics: {throughput_per_h: {}}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Files of an empty folder, in which the test then works."""
    monkeypatch.chdir(tmp_path)

    def put(**texts):
        for name, text in texts.items():
            Path(f"{name}.yaml").write_text(text, encoding="utf-8")

    return put


def throughput_per_h(first_s, second_s, capacity):
    """Two exponential machines, a source that never runs out, blocking after service: parts beyond the first machine
    are a birth and death process with capacity + 2 places (M/M/1/K)."""
    load = second_s / first_s
    places = capacity + 2
    empty = 1.0 / sum(load**n for n in range(places + 1))
    return 3600.0 / second_s * (1.0 - empty)


def test_changes_are_those_of_the_markov_chain(write):
    """Ten pairs of 20 h, some 50 000 parts each; four standard errors are below a sixth of each change."""
    write(tandem=TANDEM, which=LEVERS)
    found = run_study("which.yaml", workers=0).part("levers")
    base = throughput_per_h(1.0, 1.25, 2)
    exact = {
        "cut": throughput_per_h(0.9, 1.25, 2) - base,
        "drill": throughput_per_h(1.0, 1.125, 2) - base,
        "rack": throughput_per_h(1.0, 1.25, 3) - base,
        "slower": throughput_per_h(1.0, 1.5, 2) - base,
    }
    assert found.base["throughput_per_h"] == pytest.approx(base, rel=0.01)
    assert [one.name for one in found.effects] == sorted(exact, key=lambda name: -exact[name])
    for one in found.effects:
        change = one.changes["throughput_per_h"]
        error = change.half_width / 2.262  # Student's, 9 degrees of freedom
        assert 4.0 * error < abs(exact[one.name]) / 6.0, one.name
        assert abs(change.mean - exact[one.name]) < 4.0 * error, one.name
        assert one.certain("throughput_per_h")
    by_name = {one.name: one for one in found.effects}
    assert by_name["cut"].each("throughput_per_h").mean == pytest.approx(
        by_name["cut"].changes["throughput_per_h"].mean / 10
    )
    assert by_name["drill"].each("throughput_per_h") is None


SLOW = """\
name: slow
run: {horizon_h: 840}
line:
  sources: {iron: {}}
  stations:
    cut: {kind: serial, from: iron, cycle: {law: deterministic, value_s: 20}}
    drill: {kind: serial, from: rack, cycle: {law: deterministic, value_s: 63}}
    pack: {kind: serial, from: drill, cycle: {law: deterministic, value_s: 40}}
  buffers: {rack: {from: cut, capacity: 5}}
  sinks: {out: {from: pack}}
"""


def test_of_a_deterministic_line_only_the_slowest_machine_matters(write):
    """Five weeks of 56 or 59 parts an hour; the line is full within three minutes."""
    write(slow=SLOW)
    file = write_levers_study("slow.yaml", Path("studies"), kinds=("units", "speed"), replicates=2, target=59.0)
    result = run_study(file, workers=0)
    found = result.part("levers")
    changes = {one.name: one.changes["throughput_per_h"] for one in found.effects}
    assert {name for name, change in changes.items() if abs(change.mean) > 0.01} == {"more_drill", "speed_drill"}
    assert all(change.half_width == 0.0 for change in changes.values())
    assert changes["speed_drill"].mean == pytest.approx(0.05 * 3600 / 63, rel=1e-3)
    # The packer takes over once there are two drills.
    assert changes["more_drill"].mean == pytest.approx(3600 / 40 - 3600 / 63, rel=1e-3)
    assert [one.name for one in found.effects][:2] == ["more_drill", "speed_drill"]
    assert (found.reached, found.replicates) == (0, 2)
    reached = {one.name: one.reached for one in found.effects}
    assert reached["speed_drill"] == reached["more_drill"] == 2
    assert sum(reached.values()) == 4
    assert all(TARGET not in one.changes for one in found.effects)
    told = {one.name: sentence(found, one) for one in found.effects}
    assert told["speed_drill"].startswith("Drill: 5 % faster: throughput +2.85595 per h, always the same; ")
    assert "1 % of speed is worth +0.571" in told["speed_drill"]
    assert "every replicate came out the same" in told["more_pack"]


def test_a_study_of_levers_is_resumed(write):
    write(tandem=TANDEM.replace("horizon_h: 20", "horizon_h: 2"), which=LEVERS)
    first = run_study("which.yaml", workers=0)
    again = run_study("which.yaml", workers=0)
    assert (first.ran, again.ran, again.reused) == (50, 0, 50)
    assert again.part("levers").effects == first.part("levers").effects
    sheet = again.part("levers").sheets()["levers"]
    assert [row[1] for row in sheet.rows] == [one.name for one in again.part("levers").effects]
    assert all(len(row) == len(sheet.head) for row in sheet.rows)


def test_the_goal_says_what_is_better(write):
    text = LEVERS.replace("metric: throughput_per_h}", "metric: wip_mean, goal: smallest}")
    write(tandem=TANDEM.replace("horizon_h: 20", "horizon_h: 5"), which=text)
    ranked = [one.name for one in run_study("which.yaml", workers=0).part("levers").effects]
    assert ranked[0] == "drill"
    assert ranked[-1] == "rack"


# ---- the levers that every scenario has -----------------------------------------------------------------------------


def test_levers_of_a_plant_pay_for_themselves():
    scenario = load_scenario("ev_4680_dry_by_causes")
    levers = {one.name: one for one in default_levers(scenario)}
    assert len(levers) == len(default_levers(scenario))
    assert {one.kind for one in levers.values()} == KINDS.keys()
    stations = scenario.spec.line.stations
    winder = levers["more_wind"].settings
    assert winder["line.stations.wind.parallel"] == 9
    assert winder["line.stations.wind.economics.capex_musd"] == pytest.approx(
        stations["wind"].economics.capex_musd * 9 / 8
    )
    assert winder["line.stations.wind.economics.operators"] == pytest.approx(4.5)
    film = levers["repairs_cathode_film"]
    assert film.settings == {"line.stations.cathode_film.failures.roll_gap.time_to_repair.mean_s": 3240.0}
    assert (film.amount, film.unit) == (0.1, "h of mean repair")
    # Micro-stops every 40 min of 2.5 min, breakdowns every 150 h of 2 h: 225.6 stops for one breakdown.
    stop = levers["repairs_wind"]
    assert stop.amount == pytest.approx(0.1 * (225 * 2.5 + 120) / 226, rel=1e-3)
    assert stop.unit == "min of mean repair"
    assert levers["more_formation"].settings["line.stations.formation.positions"] == 1102
    assert "speed_formation" not in levers  # a recipe says how long it takes
    assert levers["teams"].settings == {"ramp.failure_modes.fixing.teams": 8}
    assert levers["remedy_assembly_weld_anode_gap"].settings == {
        'ramp.failure_modes.places."assembly.weld_anode".modes.gap.recognised_share': 1.0,
        'ramp.failure_modes.places."assembly.weld_anode".modes.gap.difficulty_factor': 0.1,
    }


def levers_of(name, *settings):
    return {one.name: one for one in default_levers(load_scenario(name, settings))}


def test_a_threshold_is_loosened_for_every_product_wherever_it_is_written():
    levers = levers_of("ess_from_4680")
    assert levers["looser_cathode_calender_thickness_tolerance"].settings == {
        "line.stations.cathode_calender.params.thickness_tolerance_um": 2.2
    }
    grade = levers["looser_grade_most_dcir"]  # written for one product, the default for the other
    assert grade.settings == {
        "line.stations.grade.params.most_dcir_fraction": 1.11,
        "products.ess_lfp.params.grade.most_dcir_fraction": 1.165,
    }
    assert grade.text == "grade: largest resistance sold 111 % in place of 110 % and 116.5 % in place of 115 %"
    assert (grade.amount, grade.unit, grade.kind) == (10.0, "% looser", "inspection")
    fold = levers["looser_assembly_fold_torn_limit"]
    assert fold.settings == {"line.stations.assembly.machines.fold.params.torn_limit_fraction": 0.033}
    recipe = "products.ess_lfp.params.assembly.fold.torn_limit_fraction"
    both = levers_of("ess_from_4680", 'products.ess_lfp.params."assembly.fold".torn_limit_fraction=0.05',
                     'products.ev_nmc811.params."assembly.fold".torn_limit_fraction=0.04')  # fmt: skip
    assert both["looser_assembly_fold_torn_limit"].settings == {
        recipe.replace("assembly.fold", '"assembly.fold"'): 0.055,
        recipe.replace("assembly.fold", '"assembly.fold"').replace("ess_lfp", "ev_nmc811"): 0.044,
    }


def test_a_converted_line_learns_and_is_held_back_after_its_conversion():
    levers = levers_of("ess_from_4680")
    learning = levers["learning"].settings
    assert learning["conversion.ramp.default.learning.time_constant_months"] == 3.6
    assert learning["conversion.ramp.stations.cathode_film.learning.time_constant_months"] == 6.3
    assert learning["ramp.default.learning.time_constant_months"] == 8.1
    # The line was released two years ago: holding it back again would cost output and prove nothing.
    assert levers["hold_speed"].settings == {"conversion.ramp.default.rate.when.scrap_falls_to_share": 0.5}
    assert levers["hold_speed"].text == "speed after the conversion held back until scrap has halved"
    assert set(levers_of("ev_4680_dry")["hold_speed"].settings) == {"ramp.default.rate.when.scrap_falls_to_share"}


def test_experiments_where_there_are_none_yet():
    levers = levers_of("ev_4680_dry_by_causes", "ramp.failure_modes.experiments=null")
    assert levers["experiments"].text == "experiments: 5 % of lots in place of none"
    assert set(levers["experiments"].settings.values()) == {0.05}


LINES = """\
name: lines
extends: slow.yaml
run: {horizon_h: 16, warmup_h: 1}
lines:
  shared: [cut]
  named:
    one: {}
    two: {line: {stations: {drill: {parallel: 3, cycle: {value_s: 90}}}}}
line:
  buffers: {rack: {capacity: 20}}
  crews: {fitters: {size: 2}}
"""


def test_of_several_lines_a_lever_is_pulled_on_each_and_once_on_what_they_share(write):
    write(slow=SLOW, lines=LINES)
    levers = levers_of("lines.yaml")
    cut, drill, speed = levers["more_cut"], levers["more_drill"], levers["speed_drill"]
    assert cut.text == "cut: a second machine (shared by all lines)"
    assert (cut.settings, cut.amount) == ({"line.stations.cut.parallel": 2}, 1.0)
    assert drill.text == "drill: a second machine, on each of 2 lines"
    assert drill.settings == {"line.stations.drill.parallel": 2, "lines.named.two.line.stations.drill.parallel": 4}
    assert drill.amount == 2.0
    assert speed.settings == {
        "line.stations.drill.cycle.value_s": 60.0,
        "lines.named.two.line.stations.drill.cycle.value_s": pytest.approx(90 / 1.05, rel=1e-5),
    }
    assert speed.amount == 5.0
    assert (levers["crew_fitters"].settings, levers["crew_fitters"].amount) == ({"line.crews.fitters.size": 3}, 2.0)


def test_of_two_lines_each_lever_is_worth_what_both_gain(write):
    """180 an hour are cut; one line drills in 63 s (57), the other in 90 s by three (120) and packs in 40 s (90)."""
    write(slow=SLOW, lines=LINES)
    file = write_levers_study("lines.yaml", Path("studies"), kinds=("units", "speed"), replicates=2)
    found = run_study(file, workers=0).part("levers")
    changes = {one.name: one.changes["throughput_per_h"].mean for one in found.effects}
    assert found.base["throughput_per_h"] == pytest.approx(3600 / 63 + 3600 / 40, rel=2e-3)
    assert changes["speed_drill"] == pytest.approx(0.05 * 3600 / 63, rel=0.05)
    assert changes["speed_pack"] == pytest.approx(0.05 * 3600 / 40, rel=0.05)
    # Two drills on the first line would need more than is left of what is cut: 180 less 90.
    assert changes["more_drill"] == pytest.approx(2 * 3600 / 40 - 3600 / 63 - 3600 / 40, rel=0.02)
    assert found.effects[0].name == "more_drill"
    assert abs(changes["more_cut"]) < 0.1


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("ev_4680_two_lines", ("crews", "inspection", "learning", "release")),
        ("ev_4680_dry_by_causes", ("repairs", "learning", "release")),
        ("ev_4680_dry_by_causes", ("speed", "crews", "causes")),
        ("ess_lfp_prismatic", ("units",)),
        ("machine_repair", ()),
    ],
)
def test_levers_that_are_written_are_scenarios(name, kinds, tmp_path):
    file = write_levers_study(name, tmp_path, kinds=kinds, settings=["run.horizon_h=336"])
    study = load_study(file, metrics=False)
    assert len({case.scenario for case in study.cases}) == len(study.cases) > 3


def test_figures_that_are_better_when_small():
    small = ["cost_usd_per_kwh", "weeks_to_90pct_yield", "wait_mean_s.queue", "escape_ppm", "energy_kwh_per_kwh"]
    large = ["good_energy_mwh", "throughput_per_h", "final_yield", "npv_musd", "good_energy_mwh_last_quarter"]
    assert [goal_of(name) for name in small] == ["smallest"] * 5
    assert [goal_of(name) for name in large] == ["largest"] * 5


def test_kinds_and_scenarios_without_such_levers(write):
    write(slow=SLOW)
    with pytest.raises(UsageError, match="no kind of lever 'repair'; did you mean 'repairs'"):
        write_levers_study("slow.yaml", Path(), kinds=("repair",))
    with pytest.raises(UsageError, match="'slow' has no levers of kind repairs"):
        write_levers_study("slow.yaml", Path(), kinds=("repairs",))


# ---- mistakes -------------------------------------------------------------------------------------------------------

HEAD = """\
name: which
base: tandem.yaml
levers:
"""
CUT = "  cut: {set: {line.stations.cut.cycle.mean_s: 0.9}}\n"
REST = """\
ranking: {metric: throughput_per_h}
replicates: 3
metrics: {throughput_per_h: {}}
"""
MISTAKES = {
    "a station that does not exist": (
        HEAD + "  lathe: {set: {line.stations.lathe.cycle.mean_s: 1}}\n" + REST,
        "which.yaml:4:17: error: line.stations.lathe: there is no 'lathe' to set",
    ),
    "nothing changed": (
        HEAD + "  same: {set: {line.stations.drill.cycle.mean_s: 1.25}}\n" + REST,
        "which.yaml:4:3: error: levers.same: changes nothing: every value that it sets is as it was",
    ),
    "nothing set": (HEAD + "  same: {set: {}}\n" + REST, "which.yaml:4:10: error: levers.same.set"),
    "an unknown figure": (
        HEAD + "  cut: {set: {line.stations.cut.cycle.mean_s: 0.9}}\n" + REST.replace("throughput_per_h}\n", "good}\n"),
        "which.yaml:5:19: error: ranking.metric: nobody computes a figure 'good'",
    ),
    "a figure that is a name": (
        HEAD + CUT + REST.replace("throughput_per_h}\n", "bottleneck}\n"),
        "which.yaml:5:19: error: ranking.metric: 'bottleneck' is a name, and only changes of numbers can be ranked",
    ),
    "no ranking": (
        HEAD + "  cut: {set: {line.stations.cut.cycle.mean_s: 0.9}}\nreplicates: 3\n",
        "which.yaml:3:1: error: levers: no `ranking` says by which figure they are ranked",
    ),
    "no levers": ("name: which\nbase: tandem.yaml\n" + REST, "which.yaml:3:1: error: ranking: there are no `levers`"),
    "two variants": (
        HEAD + "  cut: {set: {line.stations.cut.cycle.mean_s: 0.9}}\nvariants: {a: {}, b: {}}\n" + REST,
        "which.yaml:5:19: error: variants.b: levers change one scenario, and there are 2 variants",
    ),
    "a lever named as a variant": (
        HEAD + "  cut: {set: {line.stations.cut.cycle.mean_s: 0.9}}\nvariants: {cut: {}}\n" + REST,
        "which.yaml:4:3: error: levers.cut: there is a variant 'cut' already",
    ),
    "factors": (
        HEAD + "  cut: {set: {line.stations.cut.cycle.mean_s: 0.9}}\n"
        "factors: {room: {path: line.buffers.rack.capacity, values: [1, 2]}}\n" + REST,
        "which.yaml:5:1: error: factors: each lever changes one scenario, and `factors` makes many of it",
    ),
    "an unknown curve": (
        HEAD + "  cut: {set: {line.stations.cut.cycle.mean_s: 0.9}}\n"
        + REST.replace("per_h}\n", "per_h, target: {curve: line_yield, least: 0.9}}\n", 1),
        "which.yaml:5:53: error: ranking.target.curve: no figure 'line_yield' is kept by week",
    ),
    "an amount of nothing": (
        HEAD + "  cut: {set: {line.stations.cut.cycle.mean_s: 0.9}, amount: 3}\n" + REST,
        "which.yaml:4:3: error: levers.cut: give both `amount` and `unit`, or none",
    ),
    "unpaired": (
        HEAD + CUT + "comparison: {reference: base, paired: false}\n" + REST,
        "which.yaml:5:39: error: comparison.paired: levers are compared with the scenario that they change, in pairs",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_with_their_place(write, mistake):
    text, message = MISTAKES[mistake]
    write(tandem=TANDEM, which=text)
    with pytest.raises(ConfigError) as raised:
        load_study("which.yaml")
    assert message in str(raised.value)


# ---- the command ----------------------------------------------------------------------------------------------------


def test_the_command_ranks_and_writes_a_page(command, write):
    write(slow=SLOW.replace("840", "50"))
    done = command("levers", "slow.yaml", "--kind", "speed", "--reps", "2", "--workers", "0", "--html", "bars.html")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith("levers of slow: 4 cases, 2 replicates each, 8 run in ")
    (ranked,) = [line for line in lines if line.split()[:2] == ["1", "drill:"]]
    assert ranked.endswith("helps")
    assert any(line.startswith("No effect on throughput that could be told from chance: ") for line in lines)
    page = Path("bars.html").read_text(encoding="utf-8")
    assert "What each lever does to throughput" in page
    again = command("levers", "studies/levers_of_slow.yaml", "--workers", "0", "--json")
    document = json.loads(again.out)
    assert document["replicates"]["ran"] == 0
    best = document["levers"]["ranked"][0]
    assert best["lever"] == "speed_drill"
    assert best["certain"]
    assert best["changes"]["throughput_per_h"]["of_one"] > 0.0


def test_wrong_usage(command, write):
    write(slow=SLOW, plain="name: plain\nbase: slow.yaml\nreplicates: 2\n")
    assert "has no `levers`" in command("levers", "plain.yaml").err
    done = command("levers", "plain.yaml", "--metric", "wip_mean", "--reps", "3")
    assert done.code == 2
    assert "says by itself what --metric and --reps would" in done.err
    assert "there is no folder 'nowhere'" in command("levers", "slow.yaml", "--html", "nowhere/x.html").err
    unknown = command("levers", "slow.yaml", "--metric", "god_energy")
    assert unknown.code == 3
    assert "studies/levers_of_slow.yaml:" in unknown.err
    assert "nobody computes a figure 'god_energy'" in unknown.err


def test_help_loads_nothing_heavy(command):
    code = (
        "import sys\nfrom cellfab.cli import main\nsys.argv = ['cellfab', 'levers', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('numba', 'pandas', 'scipy', 'plotly') if name in sys.modules])"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "What is each of these worth?" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
