"""e^x in a loop is NumPy's to the last digits, over all that float64 holds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.rl.learning.exponential import exp_


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=50))
def test_it_is_numpy_s(numbers):
    x = np.array(numbers)
    found = x.copy()
    exp_(found)
    np.testing.assert_allclose(found, np.exp(x), rtol=1e-15)


def test_ends_and_what_is_no_number():
    x = np.array([0.0, -0.0, 1.0, -1e9, -np.inf, np.inf, 1e9, np.nan])
    exp_(x)
    assert x[:3].tolist() == [1.0, 1.0, np.e]
    assert (x[3:5] >= 0).all()
    assert (x[3:5] < 1e-300).all()
    assert np.isinf(x[5:7]).all()
    assert np.isnan(x[7])
