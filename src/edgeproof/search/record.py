"""A study as plain data: what `study.json` says of its trials, and what a page of it is made from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from edgeproof.core.config import Tune
from edgeproof.search.space import plain_space, read_choice
from edgeproof.search.study import Study

__all__ = ["importance", "record"]

STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
_MOST_STEPS = 50
_FEW = 4  # trials below which nothing can be said of importance


def record(study: Study, *, weigh: bool = True) -> dict[str, Any]:
    """Trials, the best of them, importance and counts.

    `trials`: each `number`, `state` (`complete`, `pruned`, `failed`, `running`), `params`, `value` (null unless
    complete), `intermediate` (by epoch from 1, thinned to 50), and what was noted of it. `best`: `number`, `value`,
    `params`, and `runner_up` and `margin` where there is a second one. `importance`: share of the values' variance by
    setting, by functional ANOVA (Hutter, Hoos & Leyton-Brown 2014), left out unless `weigh`; empty below 4 trials.
    `counts` by state.
    """
    plan, rows, order = study.plan, study.rows(), study.ranked()
    states = Counter(STATES.get(row.state, "running") for row in rows)
    return {
        "name": plan.name,
        "direction": plan.direction,
        "sampler": plan.sampler,
        "pruner": plan.pruner,
        "seed": plan.seed,
        "space": plain_space(plan.space),
        "trials": [_trial(row, plan.space) for row in rows],
        "best": _best(order, plan.space),
        "importance": importance(study) if weigh else {},
        "counts": dict(states),
    }


def _trial(row: FrozenTrial, space: Mapping[str, Tune]) -> dict[str, Any]:
    return {
        "number": row.number,
        "state": STATES.get(row.state, "running"),
        "params": _params(row, space),
        "value": row.value if row.state == TrialState.COMPLETE else None,
        "intermediate": {str(step + 1): value for step, value in _thinned(row.intermediate_values)},
        **row.user_attrs,
    }


def _params(row: FrozenTrial, space: Mapping[str, Tune]) -> dict[str, Any]:
    return {key: read_choice(space[key], value) for key, value in row.params.items() if key in space}


def _thinned(values: Mapping[int, float]) -> list[tuple[int, float]]:
    """Every n-th step and the last."""
    steps = sorted(values.items())
    every = -(-len(steps) // _MOST_STEPS)
    return [pair for place, pair in enumerate(steps) if place % every == 0 or place == len(steps) - 1]


def _best(order: Sequence[FrozenTrial], space: Mapping[str, Tune]) -> dict[str, Any] | None:
    if not order:
        return None
    best, found = order[0], {"number": order[0].number, "value": order[0].value, "params": _params(order[0], space)}
    if len(order) > 1:
        assert best.value is not None  # noqa: S101 - complete trials have one
        assert order[1].value is not None  # noqa: S101
        found |= {"runner_up": order[1].number, "margin": abs(best.value - order[1].value)}
    return found


def importance(study: Study) -> dict[str, float]:
    """How much of the values' variance each setting explains, the most first; empty where nothing can be said."""
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    values = {row.value for row in study.ranked()}
    if len(study.ranked()) < _FEW or len(values) < 2:
        return {}
    found = get_param_importances(study.optuna, evaluator=FanovaImportanceEvaluator(seed=study.plan.seed % (1 << 32)))
    return {key: float(value) for key, value in found.items()}
