"""Faults of a search: what is not counted, what it may choose, and what becomes of its winner."""

from tests.sabotage.fault import Fault

__all__ = ["SEARCHING"]

STORY = "tests/story/test_tune.py"

SEARCHING = (
    Fault(
        "a search may choose its costs",
        "recipe/vary.py",
        '    "costs",\n',
        "",
        ("tests/unit/recipe/test_vary.py::test_what_is_given_is_no_choice",),
        "the best config is the one that pays nothing",
    ),
    Fault(
        "labels are compared by log loss",
        "recipe/vary.py",
        'TASK = ("label", "decide_every")',
        "TASK = ()",
        ("tests/unit/recipe/test_vary.py::test_what_is_forecast_varies_only_where_money_is_compared",),
        "the easiest question wins",
    ),
    Fault(
        "the worst trial is promoted",
        "search/study.py",
        'sign = 1 if self.plan.direction == "minimize" else -1',
        "sign = -1",
        (f"{STORY}::test_the_best_trials_own_checkpoint_is_promoted",),
        "a search would do worse than none",
    ),
    Fault(
        "a resumed search draws anew",
        "search/sampler.py",
        "self._rng.child(trial.number, param_name).key() % (1 << 32)",
        "None",
        ("tests/unit/search/test_study.py::test_killed_and_taken_up_it_makes_the_same_trials",),
        "whoever dislikes a search kills it until it finds something else",
    ),
    Fault(
        "further seeds are the same seed",
        "recipe/winner.py",
        'config.model_copy(update={"seed": seed})',
        "config",
        (f"{STORY}::test_the_winners_seed_stands_beside_its_lead",),
        "the winner's spread is 0, and any lead looks firm",
    ),
)
