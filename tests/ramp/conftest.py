"""Books of failure modes in a few words."""

from __future__ import annotations

import numpy as np
import pytest

from cellfab.config.failure_modes_spec import FailureModes
from cellfab.ramp.mode_book import Effects, ModeBook
from cellfab.ramp.mode_draws import ModeDraws
from cellfab.ramp.modes import FailureMode

RECOGNISED = 1e-3


@pytest.fixture
def alike():
    """So many modes of one place "a", each with an equal share of its scrap, and the book that they stand in."""

    def make(n, *, places=("a",), mature=0.0, replicate=0, before=None, recognised=RECOGNISED, **laws):
        spec = FailureModes.model_validate(laws)
        modes = tuple(
            FailureMode(
                place, f"m{number}", {"p": {"sigma": 1.0 / n}}, recognised, 1.0, spec.fixing.residual_share, True
            )
            for place in places
            for number in range(n)
        )
        extra = {}
        for first, place in enumerate(places):
            extra[place, "p"] = np.zeros(len(modes))
            extra[place, "p"][first * n : (first + 1) * n] = 0.1 / n
        effects = Effects({(place, "p"): mature for place in places}, extra)
        owner = {place: place for place in places}
        return ModeBook(spec, modes, owner, effects, ModeDraws(1, replicate), before)

    return make
