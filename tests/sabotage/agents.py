"""Faults of an agent's way to its book, and of what its stages show it."""

from tests.sabotage.fault import Fault

__all__ = ["AGENTS"]

RECIPE = "tests/unit/recipe"

AGENTS = (
    Fault(
        "longer bars reach behind the training",
        "recipe/agent_timeframes.py",
        "longer_bars(ground.prepared.panel, bars, train.stop)",
        "longer_bars(ground.prepared.panel, bars, train.stop + bars)",
        (f"{RECIPE}/test_agent_timeframes.py::test_no_bar_behind_the_training_span_enters_a_longer_one",),
        "a stage in several timeframes shows the agent bars of its validation",
    ),
    Fault(
        "a longer bar is known at its open",
        "data/timeframe.py",
        "count = max(0, (until - first) // bars)",
        "count = max(0, -((first - until) // bars))",
        ("tests/unit/data/test_timeframe.py::test_a_longer_bar_knows_nothing_from_its_close_on",),
        "high, low and close of a bar that has not closed yet are those of the future",
    ),
    Fault(
        "the book is another account than the agent's",
        "backtest/policies/follow.py",
        "/ (len(p) / self.assets)",
        "/ len(p)",
        (f"{RECIPE}/test_agent_portfolio.py::test_groups_of_symbols_are_accounts_of_equal_money",),
        "what is judged is not what the agent learned to do",
    ),
    Fault(
        "an account of several symbols asks for more than its money",
        "rl/env.py",
        "return within_gross(action, self._space, self.config.gross)",
        "return action",
        (f"{RECIPE}/test_agent_portfolio.py::test_weights_are_held_within_the_gross_and_keep_their_shares",),
        "which of the weights are filled hangs on what was held before, and not on what was asked for",
    ),
)
