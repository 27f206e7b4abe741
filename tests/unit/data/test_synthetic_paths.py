"""Other futures of a known-truth market: they begin where its bars end, and follow its law."""

# K chosen bars, S symbols, T bars, M paths

import numpy as np
import pytest

from edgeproof.core.rng import Rng
from edgeproof.data.synthetic import KINDS, generate
from edgeproof.data.synthetic.generate import _draw
from edgeproof.data.synthetic.law import WARM_UP_BARS
from edgeproof.data.synthetic.paths import _onwards, follow, futures
from edgeproof.data.synthetic.walk import Draws


@pytest.mark.parametrize("kind", KINDS)
def test_following_the_bars_finds_the_stated_law(kind: str) -> None:
    made = generate(kind, 3, 900, 7)
    at = np.array([0, 1, 50, 400, 401, 899])
    states = follow(made.parameters, made.ohlcv, at)
    sigma = made.volatility / np.sqrt(1.02)
    assert pytest.approx(sigma[:, at], rel=1e-9) == states.stack.sigma.T
    assert pytest.approx((made.mean / sigma)[:, at], abs=1e-9) == states.stack.drift.T
    assert pytest.approx(made.ohlcv[:, at, 3]) == states.stack.close.T


@pytest.mark.parametrize("kind", ["linear", "regime", "decaying"])
def test_the_market_s_own_draws_give_its_own_bars(kind: str) -> None:
    """Second witness: one path with the draws that the generator used; volume apart, whose slow part is filtered."""
    made, S, H = generate(kind, 2, 600, 5), 2, 100
    at = np.array([450])
    states = follow(made.parameters, made.ohlcv, at)
    whole = _draw(Rng(5).child("synthetic"), S, WARM_UP_BARS + 600)
    ahead = Draws(*(one[..., WARM_UP_BARS + 451 : WARM_UP_BARS + 451 + H].copy() for one in whole))
    path = _onwards(states.stack, at, ahead, np.zeros((S, 1)), (H, states.setting, *states.signal, states.law))
    assert path[0, 0, :, :, :4] == pytest.approx(made.ohlcv[:, 451 : 451 + H, :4], rel=1e-9)


def test_other_bars_later_leave_states_and_futures_as_they_were() -> None:
    made = generate("nonlinear", 2, 800, 9)
    other = made.ohlcv.copy()
    other[:, 501:] *= 1.37
    at = np.array([300, 500])
    for here, there in zip(
        follow(made.parameters, made.ohlcv, at).stack, follow(made.parameters, other, at).stack, strict=True
    ):
        assert np.array_equal(here, there)


def test_the_slow_part_of_volume_is_filtered_as_well_as_it_can_be() -> None:
    """The filter's own spread is its error: z-scores of log volume ahead, given the filtered mean, have spread 1."""
    made = generate("nonlinear", 8, 6_000, 3)
    at = np.arange(400, 5_900, 11)
    states = follow(made.parameters, made.ohlcv, at)
    law, setting = states.law, states.setting
    body = np.abs(np.log(made.ohlcv[:, :, 3] / made.ohlcv[:, :, 0]))[:, at + 1]
    size = np.minimum(body / states.stack.sigma.T, 4.0) - 0.75
    expected = setting.volume[:, None] + law.volume_day * setting.day[at + 1] + law.volume_size * size
    expected = expected + law.volume_memory * states.stack.level.T
    seen = np.log(made.ohlcv[:, at + 1, 4])
    news = law.volume_sd**2 * (1 - law.volume_memory**2)
    spread = np.sqrt(law.volume_memory**2 * states.stack.level_sd[0] ** 2 + news + law.volume_noise**2)
    z = (seen - expected) / spread
    assert z.mean() == pytest.approx(0.0, abs=0.05)
    assert z.std() == pytest.approx(1.0, abs=0.04)
    assert states.stack.level_sd[0] < 0.25  # a half of what is known without any bars


def test_futures_have_the_stated_law() -> None:
    made, paths = generate("linear", 4, 700, 2, 0.2), 4_000
    at = np.array([420, 699])
    states = follow(made.parameters, made.ohlcv, at)
    ahead = futures(states, slice(None), paths, 2, Rng(1))
    assert ahead.shape == (2, paths, 4, 2, 5)
    tradable = ahead[:, :, :, 1, 0] / ahead[:, :, :, 0, 0] - 1.0  # open of t+1 to open of t+2
    up = (tradable > 0.0).mean(axis=1)
    assert up == pytest.approx(made.p_up[:, at].T, abs=3.5 * 0.5 / np.sqrt(paths))
    error = made.volatility[:, at].T / np.sqrt(paths)
    assert (np.abs(tradable.mean(axis=1) - made.mean[:, at].T) < 3.5 * error).all()
    assert (ahead[..., 1] >= np.maximum(ahead[..., 0], ahead[..., 3])).all()
    assert (ahead[..., 2] <= np.minimum(ahead[..., 0], ahead[..., 3])).all()
    tail = np.corrcoef(tradable[0].T)[np.triu_indices(4, 1)]
    assert tail.mean() == pytest.approx(0.4, abs=0.06)  # the symbols of a path share the market's draw


def test_the_same_stream_gives_the_same_futures() -> None:
    made = generate("linear", 2, 500, 2)
    states = follow(made.parameters, made.ohlcv, np.array([450, 460]))
    one, two, other = (futures(states, slice(None), 3, 5, Rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("at", [[], [5, 5], [7, 3], [-1, 3], [500]])
def test_bars_that_cannot_be_chosen_are_refused(at: list[int]) -> None:
    made = generate("noise", 1, 500, 2)
    with pytest.raises(ValueError, match="chosen bars"):
        follow(made.parameters, made.ohlcv, np.array(at, dtype=np.int64))


def test_a_future_beyond_the_clock_is_refused() -> None:
    made = generate("noise", 1, 500, 2)
    states = follow(made.parameters, made.ohlcv, np.array([499]))
    assert futures(states, slice(None), 1, 1_000, Rng(1)).shape == (1, 1, 1, 1_000, 5)
    with pytest.raises(ValueError, match="1,000"):
        futures(states, slice(None), 1, 1_001, Rng(1))
