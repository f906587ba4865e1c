"""docs/baselines.md: its set is one, its limits are those of the test, and its keys are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from scipy import stats

from cellfab.config.baseline_spec import BaselineSpec, Watched
from cellfab.study.baseline import check_baseline, make_baseline
from cellfab.study.baseline_set import read_set

PAGE = (Path(__file__).parents[2] / "docs" / "baselines.md").read_text(encoding="utf-8")


def test_the_set_can_be_kept_and_checked(here):
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    Path("mine.yaml").write_text(text, encoding="utf-8")
    watched = read_set(Path("mine.yaml"), here, replicates=2)
    assert check_baseline(make_baseline(watched, workers=0), here, workers=0).passed


def test_keys():
    keys = re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)
    fields = [*BaselineSpec.model_fields, *(field.alias or name for name, field in Watched.model_fields.items())]
    assert keys == fields


def test_limits():
    limits = {int(n): int(limit) for limit, n in re.findall(r"(\d+)\s+standard errors with (\d+)\s+replicates", PAGE)}
    limits |= {int(n): int(limit) for limit, n in re.findall(r", (\d+) with (\d+)", PAGE)}
    assert set(limits) == {6, 12, 40}
    for n, limit in limits.items():
        assert round(float(stats.t.ppf(1 - 0.01 / 50 / 2, n - 1))) == limit
