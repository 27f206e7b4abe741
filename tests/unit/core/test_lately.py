import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.lately import known_before, last_index, last_known


def test_by_hand():
    known = np.array([False, True, False, False, True])
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert last_index(known).tolist() == [-1, 1, 1, 1, 4]
    assert last_known(values, known, 0.0).tolist() == [0.0, 2.0, 2.0, 2.0, 5.0]
    assert known_before(values, known, 0.0).tolist() == [0.0, 0.0, 2.0, 2.0, 2.0]


@given(st.integers(0, 10_000), st.integers(1, 30))
def test_as_a_plain_loop_and_never_from_later(seed, bars):
    draw = np.random.default_rng(seed)
    known, values = draw.random((2, bars)) < 0.5, draw.standard_normal((2, bars))
    found = last_known(values, known, -1.0)
    for s in range(2):
        last = -1.0
        for t in range(bars):
            last = values[s, t] if known[s, t] else last
            assert found[s, t] == last
    cut = bars // 2
    np.testing.assert_array_equal(last_known(values[:, :cut], known[:, :cut], -1.0), found[:, :cut])
