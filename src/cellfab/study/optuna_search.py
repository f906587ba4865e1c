"""Optuna as the searcher, behind the extra `opt`: it asks for points as `cellfab.study.search.Evolution` does.

References
----------
T. Akiba, S. Sano, T. Yanase, T. Ohta, M. Koyama, "Optuna: a next-generation hyperparameter optimization framework", KDD
2019, 2623-2631.
S. Watanabe, F. Hutter, "c-TPE: tree-structured Parzen estimator with inequality constraints for expensive
hyperparameter optimization", IJCAI 2023, 4371-4379.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellfab.config.search_spec import AT_ONCE
from cellfab.errors import UsageError
from cellfab.study.search import Generations, Point, Score

if TYPE_CHECKING:
    import optuna

_VIOLATION = "violation"


class OptunaSearch(Generations):
    """Optuna's tree-structured Parzen estimator in the unit cube.

    Parameters
    ----------
    factors, goals : int
    seed : int
    at_once : int
        Points that are proposed together; what is proposed depends on it, and not on how many run at a time.

    Raises
    ------
    UsageError
        If Optuna is not installed.
    """

    def __init__(self, factors: int, goals: int, seed: int, at_once: int = AT_ONCE["optuna"]) -> None:
        try:
            import optuna
        except ImportError:
            raise UsageError("this search needs Optuna: pip install 'cellfab[opt]'") from None
        super().__init__()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.factors, self.at_once = factors, at_once
        sampler = optuna.samplers.TPESampler(seed=seed)
        self._study = optuna.create_study(directions=["minimize"] * goals, sampler=sampler)
        self._trials: list[optuna.trial.Trial] = []

    def propose(self, done: list[tuple[Point, Score | None]]) -> list[Point]:
        """Hand the scores on, and ask for the next points."""
        from optuna.trial import TrialState

        for trial, (_, score) in zip(self._trials, done, strict=True):
            if score is None:
                self._study.tell(trial, state=TrialState.FAIL)
            else:
                trial.set_constraint(_VIOLATION, score.violation)
                self._study.tell(trial, list(score.objectives))
        self._trials = [self._study.ask() for _ in range(self.at_once)]
        return [
            tuple(trial.suggest_float(f"factor_{place}", 0.0, 1.0) for place in range(self.factors))
            for trial in self._trials
        ]
