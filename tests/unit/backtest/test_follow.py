import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from edgeproof.backtest.policies.follow import FollowConfig, said_as


@given(st.lists(st.lists(st.integers(-100, 100), min_size=6, max_size=6), min_size=1, max_size=4))
def test_what_an_agent_says_is_what_is_held(rows):
    position = np.array(rows) / 100.0
    p, every = expit(said_as(position).astype(np.float64)), np.ones(position.shape, bool)
    weights = FollowConfig().weights(p, every, np.ones(6, bool), 0.5, 1)
    np.testing.assert_array_equal(weights, np.round(position, 5) / len(position))


def test_between_decisions_it_holds_and_what_was_forgotten_is_flat():
    p = np.array([[0.75, 0.25, 0.5, 0.75]])
    made, decide = np.array([[True, False, True, True]]), np.array([True, True, True, False])
    held = FollowConfig().weights(p, made, decide, 0.5, 1)
    assert held.tolist() == [[1.0, 1.0, 0.0, 0.0]]
    gone = np.array([[False, True, False, False]])
    assert FollowConfig().weights(p, made, decide, 0.5, 1, forgotten=gone).tolist() == [[1.0, 0.0, 0.0, 0.0]]
