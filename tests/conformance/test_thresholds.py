"""What is marked as the threshold of a test or gauge is one: looser it rejects no row more, tighter none less.

On the same draws, so that this holds row by row: a row that is read the same is judged by another limit.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest
from pydantic import ValidationError

from cellfab.config.spec import Threshold
from cellfab.steps.registry import registry

SHARES = (20.0, 0.3, -0.3, -0.999, -20.0)


def marked(step_class) -> list[str]:
    fields = step_class.Params.model_fields
    return [name for name, info in fields.items() if any(isinstance(mark, Threshold) for mark in info.metadata)]


THRESHOLDS = [(name, parameter) for name, step_class in registry().items() for parameter in marked(step_class)]


def moved(pilots, step, parameter: str, share: float):
    """The step with the threshold a share further out; None where its range ends before."""
    mark = step.thresholds[parameter]
    counted_from = getattr(step.params, mark.of) if mark.of else 0.0
    value = mark.loosened(getattr(step.params, parameter), share, counted_from)
    try:
        return pilots.with_params(step, **{parameter: value})
    except ValidationError:
        return None


def with_leaks(given):
    """Cells that leak from not at all to a hundred times the limit: those of a pilot lot have been found before."""
    lots = copy.deepcopy(given)
    (cells,) = lots.values()
    cells.columns["leak"][:] = np.linspace(0.0, 2.0, cells.n, dtype=np.float32)
    return lots


def passed(lot):
    """Rows that were neither scrapped nor downgraded."""
    downgraded = lot.columns.get("downgraded")
    return lot.alive() if downgraded is None else lot.alive() & (downgraded == 0)


@pytest.mark.parametrize(("name", "parameter"), THRESHOLDS)
def test_looser_rejects_no_more_and_tighter_no_less(pilots, name, parameter):
    acts = 0
    for visit in pilots.visits_by_step()[name]:
        given = with_leaks(visit.given) if name == "inspect" else visit.given
        before = passed(visit.again(given=given)[1])
        for share in SHARES:
            step = moved(pilots, visit.step, parameter, share)
            if step is None:
                continue
            _, made = visit.again(step=step, given=given)
            after = passed(made)
            fewer, more = (before, after) if share > 0.0 else (after, before)
            assert not np.any(fewer & ~more), (visit.place.key, visit.product, share)
            acts += int(np.count_nonzero(after != before))
    assert acts > 0, "nothing is judged by it"


def test_a_threshold_is_counted_from_what_is_sound():
    assert Threshold().loosened(2.0, 0.1) == pytest.approx(2.2)
    assert Threshold(-1).loosened(0.2, 0.1) == pytest.approx(0.18)
    assert Threshold(sound=1.0).loosened(1.10, 0.1) == pytest.approx(1.11)
    assert Threshold(-1, sound=1.0).loosened(0.96, 0.1) == pytest.approx(0.956)
    assert Threshold(of="limit_value").loosened(0.0, 0.1, -30.0) == pytest.approx(3.0)
