"""The physics of every cell alone: what the whole quality chain costs, step by step, and the same number of bare draws.

    python benchmarks/quality_chain.py [scenario] [--lots 3] [--rounds 9] [--maturity 1.0]

All steps of the scenario's line (both electrodes, every mechanism, all seams of both welds) act on whole lots in this
process and one thread, without clock, books or money. Times are the least of several rounds of process time, since
whatever else the machine does can only add. A cell is one that is wound or stacked; what its electrodes cost upstream,
scrapped ones included, counts for it.

The numbers drawn are counted, not estimated: the same chain runs once more with JIT off, and the fill functions of the
generator report what they are asked for. A number is one random word; a normal is a word turned into a normal number.
Bare draws are `fill_uniform` and `fill_normal` of the same counts into one warm array.

Targets: 2 million cells per second and core, and at most 3 times the bare draws.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

TARGET_CELLS_PER_S = 2e6
TARGET_RATIO = 3.0


class Counts:
    """Numbers drawn, by place: random words, and how many of them became normal numbers."""

    def __init__(self) -> None:
        self.words: dict[str, int] = defaultdict(int)
        self.normals: dict[str, int] = defaultdict(int)
        self.place = ""
        self._inside = False

    def watch(self) -> None:
        """Put a counter around every function of the generator, wherever a kernel has imported it (JIT must be off)."""
        from cellfab import kernels

        size: dict[str, Callable[..., tuple[int, int]]] = {
            "uniform": lambda *_: (1, 0),
            "philox": lambda *_: (1, 0),
            "fill_row_uniforms": lambda *given: (given[-1].size, 0),
            "fill_words": lambda *given: (given[-1].size, 0),
            "fill_uniform": lambda *given: (given[-1].size, 0),
            "fill_normal": lambda *given: (given[-1].size, given[-1].size),
            "normals_of_words": lambda *given: (0, given[-1].size),
            "normal_quantile": lambda *_: (0, 1),
            "normal_quantile_of_uniform": lambda *_: (0, 1),
            "fill_blocks": lambda *given: (given[-1].size, 0),
            "normal_pairs": lambda *given: (0, 2 * given[-1].size),
        }
        names = [found.name for found in pkgutil.iter_modules(kernels.__path__)]
        modules = {name: importlib.import_module(f"cellfab.kernels.{name}") for name in names}
        for name, sizes in size.items():
            homes = [modules[home] for home in names if home.startswith("random") and hasattr(modules[home], name)]
            if not homes:
                continue
            original = getattr(homes[0], name)
            counted = self._counted(original, sizes)
            for module in modules.values():
                if getattr(module, name, None) is original:
                    setattr(module, name, counted)

    def _counted(self, original: Callable[..., Any], sizes: Callable[..., tuple[int, int]]) -> Callable[..., Any]:
        def draw(*given: Any) -> Any:
            if self._inside:
                return original(*given)
            words, normals = sizes(*given)
            self.words[self.place] += words
            self.normals[self.place] += normals
            self._inside = True
            try:
                return original(*given)
            finally:
                self._inside = False

        return draw


def count_draws(scenario_name: str, maturity: float) -> dict[str, tuple[float, float]]:
    """Words and normals per cell made, by place; in a process of its own, with JIT off."""
    command = [sys.executable, __file__, scenario_name, "--count", "--maturity", str(maturity)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "NUMBA_DISABLE_JIT": "1"}
    )
    return {place: (words, normals) for place, (words, normals) in json.loads(done.stdout).items()}


def print_counts(scenario_name: str, maturity: float) -> None:
    from cellfab.pilot import QualityChain
    from cellfab.scenario import load_scenario

    chain = QualityChain(load_scenario(scenario_name), maturity=maturity)
    counts = Counts()
    counts.watch()
    order = iter(chain.places)
    counts.place = next(order).key

    def left(_visit: Any) -> None:
        counts.place = getattr(next(order, None), "key", "")

    (lot, *_) = chain.lot(0, left)
    print(json.dumps({place: (counts.words[place] / lot.n, counts.normals[place] / lot.n) for place in counts.words}))


def nanoseconds_per_number(fill: Callable[..., Any], rounds: int) -> float:
    """Least time of one number of a fill function, ns."""
    from cellfab.kernels.random import stream_key

    out = np.empty(13_412, np.float32)
    key, repeats = stream_key(1, 0, "benchmark"), 100
    fill(key, 0, out)
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        for entity in range(repeats):
            fill(key, entity, out)
        best = min(best, time.process_time() - begun)
    return best / repeats / out.size * 1e9


def measure(
    scenario_name: str, lots: int, rounds: int, maturity: float
) -> tuple[float, dict[str, float], dict[str, str]]:
    """Least ns per cell of the whole chain and of each place (each its own least), and the step of each place."""
    from cellfab.pilot import QualityChain
    from cellfab.scenario import load_scenario

    chain = QualityChain(load_scenario(scenario_name), maturity=maturity)
    spent: dict[str, float] = defaultdict(float)
    last = 0.0

    def left(visit: Any) -> None:
        nonlocal last
        now = time.perf_counter()
        spent[visit.place.key] += now - last
        last = time.perf_counter()

    whole, least = float("inf"), {place.key: float("inf") for place in chain.places}
    for number in range(rounds + 1):
        spent.clear()
        cells = 0
        begun = time.process_time()
        for ordinal in range(lots):
            last = time.perf_counter()
            cells += sum(lot.n for lot in chain.lot(ordinal, left))
        spent_in_all = time.process_time() - begun
        if number:  # the first round compiles
            whole = min(whole, spent_in_all / cells * 1e9)
            least = {key: min(before, spent[key] / cells * 1e9) for key, before in least.items()}
    return whole, least, {place.key: place.step for place in chain.places}


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("scenario", nargs="?", default="ev_4680_dry")
    parser.add_argument("--lots", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--maturity", type=float, default=1.0)
    parser.add_argument("--count", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.count:
        print_counts(given.scenario, given.maturity)
        return
    from cellfab.kernels.random import fill_normal, fill_uniform
    from cellfab.pilot import pilot_lots
    from cellfab.scenario import load_scenario

    drawn = count_draws(given.scenario, given.maturity)
    uniform_ns = nanoseconds_per_number(fill_uniform, given.rounds)
    normal_ns = nanoseconds_per_number(fill_normal, given.rounds)
    whole, places, steps = measure(given.scenario, given.lots, given.rounds, given.maturity)

    def bare_ns(place: str) -> float:
        words, normals = drawn.get(place, (0.0, 0.0))
        return max(words - normals, 0.0) * uniform_ns + normals * normal_ns

    print(f"{'place':<26}{'step':<14}{'ns/cell':>9}{'share':>8}{'numbers':>9}{'normals':>9}{'bare ns':>9}{'ratio':>7}")
    for place, ns in sorted(places.items(), key=lambda item: -item[1]):
        words, normals = drawn.get(place, (0.0, 0.0))
        bare = bare_ns(place)
        ratio = f"{ns / bare:7.1f}" if bare > 0.05 else "      -"
        share = ns / sum(places.values())
        print(f"{place:<26}{steps[place]:<14}{ns:9.1f}{share:8.1%}{words:9.2f}{normals:9.2f}{bare:9.1f}{ratio}")
    bare = sum(bare_ns(place) for place in places)
    words, normals = (sum(number[k] for number in drawn.values()) for k in (0, 1))
    print(f"bare draws            {uniform_ns:8.2f} ns per uniform, {normal_ns:.2f} ns per normal number")
    print(f"numbers per cell      {words:8.1f}, of them {normals:.1f} normal = {bare:.0f} ns bare")
    print(f"whole chain           {whole:8.0f} ns per cell")
    print(f"cells per second      {1e3 / whole:8.2f} M on one core (target {TARGET_CELLS_PER_S / 1e6:.0f} M)")
    print(f"chain over bare draws {whole / bare:8.2f} (target at most {TARGET_RATIO:.0f})")
    before = peak_mib()
    for lot in pilot_lots(load_scenario(given.scenario), lots=10 * given.lots, maturity=given.maturity):
        del lot
    print(f"peak memory           {before:8.0f} MiB, {peak_mib():.0f} MiB after ten times as many lots")


if __name__ == "__main__":
    main()
