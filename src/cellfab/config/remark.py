"""What somebody who knows the process would say about a design or a recipe before anything is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that a review has found; see `cellfab.steps.base.Step.review` and `cellfab.config.cell_spec`.

    Attributes
    ----------
    about : str
        The parameter of the step ("power_w"), or "design" and a path in the product's design
        ("design.cathode.loading_mg_per_cm2"); empty: the step as a whole.
    message : str
        The rule and the values that break it.
    impossible : bool
        True: refused like any other error of the configuration. False: a warning; the run goes on.
    hint : str
        What would be right.
    """

    about: str
    message: str
    impossible: bool = False
    hint: str = ""
