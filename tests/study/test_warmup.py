"""Warm-up by a rule: the same cut for all figures of a replicate, told, and refused where nothing settles."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellfab.errors import ConfigError
from cellfab.report.study_text import study_warnings
from cellfab.study.conduct import run_study
from cellfab.study.plan import load_study

FILLING = """\
name: filling
run: {horizon_h: 100, warmup_h: 3}
line:
  sources: {blanks: {interarrival: {law: exponential, mean_s: 60}}}
  stations:
    store: {kind: dwell, from: blanks, minimum: {law: deterministic, value_s: 14400}}
  sinks: {done: {from: store}}
"""
STUDY = """\
name: warm
base: filling.yaml
variants: {long: {}, short: {set: {run.horizon_h: 4.5}}}
replicates: 4
warmup: {rule: mser5}
metrics: {wip_mean: {}, warmup_h: {}}
"""


@pytest.fixture
def files(here: Path) -> Path:
    (here / "filling.yaml").write_text(FILLING, encoding="utf-8")
    (here / "study.yaml").write_text(STUDY, encoding="utf-8")
    return here


def test_each_replicate_has_its_own_cut_which_the_table_says(files):
    result = run_study("study.yaml", workers=0)
    frame = result.frame().set_index(["variant", "replicate", "metric"])["value"]
    cuts = [frame["long", replicate, "warmup_h"] for replicate in range(4)]
    assert all(2.5 < cut < 50.0 for cut in cuts)
    assert len(set(cuts)) > 1
    # 240 parts inside once it is full, Poisson, correlated over four hours: standard error of a mean over 90 h about
    # sqrt(240 x 4 / 90) = 3.3, which four replicates halve; z-limit 4.
    assert result.estimate("long", "wip_mean").mean == pytest.approx(240.0, abs=4 * 3.3 / 2)
    assert result.estimate("long", "warmup_found").mean == 1.0


def test_a_run_too_short_to_settle_is_warned_of(files):
    result = run_study("study.yaml", workers=0)
    assert result.estimate("short", "warmup_h").mean == pytest.approx(2.25, abs=0.05)
    warnings = study_warnings(result)
    assert len(warnings) == 1
    assert "short: in 4 of 4 replicates no end of the warm-up was found" in warnings[0]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{}", "needs either `fixed_h`, hours, or `rule: mser5`"),
        ("{rule: mser5, fixed_h: 2}", "needs either"),
        ("{rule: mser}", "warmup.rule"),
    ],
)
def test_a_warmup_that_says_nothing_or_two_things(files, written, message):
    (files / "study.yaml").write_text(STUDY.replace("{rule: mser5}", written), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_study("study.yaml")


def test_a_ramp_never_settles(files):
    (files / "study.yaml").write_text("name: ramp\nbase: ev_4680_dry\nwarmup: {rule: mser5}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"study.yaml:3:16: .*has a `ramp` and never comes to one"):
        load_study("study.yaml")
