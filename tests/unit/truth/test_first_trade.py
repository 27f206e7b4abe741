"""A policy pays for its first position, and for a reversal twice, by hand."""

# S symbols, T bars

import numpy as np
import pytest

from edgeproof.truth import Stated, evaluate_policy

NOTHING = np.zeros((2, 4))
STILL = Stated(NOTHING + 0.5, NOTHING, NOTHING, np.ones((2, 4), dtype=bool))


def test_the_way_into_the_first_position_costs_one_side() -> None:
    held = evaluate_policy(np.ones((2, 4)), STILL, cost_bps=10.0)
    assert held.per_bar == pytest.approx([-0.001, 0, 0, 0])
    assert (held.turnover, held.active) == (0.25, 1.0)
    assert held.gain == pytest.approx(-0.001 / 4)


def test_a_reversal_costs_two_sides_and_the_mean_is_over_symbols() -> None:
    weights = np.array([[0.0, 1.0, -1.0, -1.0], [0.0, 0.0, 0.0, 0.0]])
    figures = evaluate_policy(weights, STILL, cost_bps=10.0)
    assert figures.per_bar == pytest.approx([0, -0.0005, -0.001, 0])
    assert figures.turnover == pytest.approx(3 / 8)
