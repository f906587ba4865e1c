"""A piece of work: which replicate of which scenario or fleet, and that as bytes that workers understand."""

from __future__ import annotations

import pickle
import zlib
from typing import NamedTuple

from cellfab.study.subject import Subject, bare


class Task(NamedTuple):
    """One replicate of one scenario or fleet: what a worker does, and the name of its result in the store.

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


def packed(subject: Subject) -> bytes:
    """A scenario or a fleet as bytes, without the places in files where its values were written."""
    return zlib.compress(pickle.dumps(bare(subject), 5), 1)


def unpacked(payload: bytes) -> Subject:
    """The scenario or the fleet of a payload that this program has packed."""
    subject = pickle.loads(zlib.decompress(payload))
    assert isinstance(subject, Subject)
    return subject
