"""Noise has no drift by symmetry: of opposite shocks come opposite simple returns, to the last bar."""

# S symbols, T bars

import numpy as np
import pytest

from edgeproof.data.synthetic.law import Law
from edgeproof.data.synthetic.planted import KINDS
from edgeproof.data.synthetic.signals import state_size
from edgeproof.data.synthetic.walk import Draws, Setting, walk

S, T = 2, 120


def draws_of(generator: np.random.Generator) -> Draws:
    def normal() -> np.ndarray:
        return generator.standard_normal((S, T))

    tail = np.sqrt(3.0 / generator.chisquare(5, (S, T)))
    upper, lower = generator.standard_exponential((2, S, T))
    return Draws(generator.standard_normal(T), normal(), tail, normal(), upper, lower, normal(), normal())


def bodies(draws: Draws, kappa: float) -> np.ndarray:
    """Simple returns from open to close, f64[S, T]."""
    kind = KINDS["linear"]
    law: Law = kind.law
    setting = Setting(np.full(S, 0.01), np.full(S, 100.0), np.full(S, 10.0), np.full(T + 1, kappa), np.zeros(T + 1))
    made = walk(draws, setting, np.zeros((S, state_size(kind.signal))), (kind.signal, kind.switched), law)
    return made.ohlcv[:, :, 3] / made.ohlcv[:, :, 0] - 1.0


@pytest.mark.parametrize("seed", range(3))
def test_opposite_shocks_give_opposite_simple_returns(seed: int) -> None:
    draws = draws_of(np.random.default_rng(seed))
    opposite = draws._replace(market=-draws.market, own=-draws.own)
    one, other = bodies(draws, 0.0), bodies(opposite, 0.0)
    assert np.abs(one).max() > 0.01
    np.testing.assert_allclose(other, -one, rtol=0, atol=1e-14)
