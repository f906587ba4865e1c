"""A piece of work: which replicate of which scenario, and that scenario as bytes that workers understand."""

from __future__ import annotations

import pickle
import zlib
from dataclasses import replace
from typing import NamedTuple

from cellfab.config.resolved import Resolved
from cellfab.scenario import Scenario


class Task(NamedTuple):
    """One replicate of one scenario: what a worker does, and the name of its result in the store.

    Attributes
    ----------
    scenario : str
        Digest.
    seed, replicate : int
        Names of its random numbers.
    rated : bool
        With the figures that need the output of the mature line (`cellfab.study.rated_figures`).
    """

    scenario: str
    seed: int
    replicate: int
    rated: bool = True


def packed(scenario: Scenario) -> bytes:
    """A scenario as bytes, without the places in files where its values were written."""
    bare = Resolved(scenario.name, {}, {}, {}, (), ())
    return zlib.compress(pickle.dumps(replace(scenario, resolved=bare, warnings=(), assumptions=()), 5), 1)


def unpacked(payload: bytes) -> Scenario:
    """The scenario of a payload that this program has packed."""
    scenario = pickle.loads(zlib.decompress(payload))
    assert isinstance(scenario, Scenario)
    return scenario
