import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.errors import DataError
from edgeproof.data.panel import Panel
from edgeproof.data.synthetic import generate
from edgeproof.data.synthetic.surrogate import SURROGATES, make_surrogate, row_permutation, sign_flip
from edgeproof.ledger.span import Span

KINDS = sorted(SURROGATES)


def bars_of(kind="noise", symbols=4, bars=3000, seed=5, strength=None):
    made = generate(kind, symbols, bars, seed, strength)
    return np.array(made.ohlcv), np.ones((symbols, bars), bool)


def with_holes(prices, present, seed=0):
    generator = np.random.default_rng(seed)
    holes = generator.random(present.shape) < 0.05
    holes[0, :500] = True  # listed later than the others
    holes[:, 0] = False
    return np.where(holes[:, :, None], 0.0, prices), present & ~holes


def returns(prices, present, s):
    close = prices[s, present[s], 3]
    return close[1:] / close[:-1] - 1


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 10_000))
def test_bars_stay_valid_and_the_mask_stays(kind, seed):
    prices, present = with_holes(*bars_of(bars=600), seed=seed)
    made, kept = SURROGATES[kind](prices, present, np.random.default_rng(seed))
    o, h, low, c, v = (made[kept][:, k] for k in range(5))
    slack = 1e-12
    assert (low > 0).all()
    assert (h >= np.maximum(o, c) * (1 - slack)).all()
    assert (low <= np.minimum(o, c) * (1 + slack)).all()
    assert (v >= 0).all()
    np.testing.assert_array_equal(kept, present)  # hourly bars never move by 100%
    assert (made[~kept] == 0).all()


def test_a_flipped_bar_by_hand():
    bars = np.array([[100, 101, 99, 100, 7], [101, 104, 100, 102, 5]], float)
    prices, present = bars[None], np.ones((1, 2), bool)
    seen = set()
    for seed in range(20):
        made, _ = sign_flip(prices, present, np.random.default_rng(seed))
        np.testing.assert_array_equal(made[0, 0], bars[0])
        seen.add(tuple(np.round(made[0, 1], 10)))
    # turned over: open 100 x (1 - .01), high 100 x (1 - 0), low 100 x (1 - .04), close 100 x (1 - .02)
    assert seen == {(101, 104, 100, 102, 5), (99, 100, 96, 98, 5)}


def test_one_sign_a_slot_for_all_symbols_and_the_size_of_simple_returns_stays():
    prices, present = bars_of()
    made, _ = sign_flip(prices, present, np.random.default_rng(1))
    before = np.array([returns(prices, present, s) for s in range(4)])
    after = np.array([returns(made, present, s) for s in range(4)])
    np.testing.assert_allclose(np.abs(after), np.abs(before), rtol=1e-9, atol=1e-15)
    signs = np.sign(after * before)
    assert (signs == signs[0]).all()
    assert 0.45 < (signs[0] > 0).mean() < 0.55


def test_flipping_adds_no_drift_where_log_returns_would():
    prices, present = bars_of(bars=20_000, symbols=8)
    drift = []
    for seed in range(10):
        made, _ = sign_flip(prices, present, np.random.default_rng(seed))
        drift += [returns(made, present, s).mean() for s in range(8)]
    variance = np.mean([returns(prices, present, s).var() for s in range(8)])
    error = np.sqrt(variance / 20_000 / 10)  # ten draws of signs, symbols fully dependent at worst
    assert abs(np.mean(drift)) < 3.5 * error
    # the trap: turning log returns over adds half the variance to every bar
    assert variance / 2 > 0.25 * error


def test_a_bar_that_cannot_be_turned_over_goes_whatever_its_sign():
    prices, present = bars_of(bars=50, symbols=1)
    prices = prices.copy()
    prices[:, 25:, :4] *= 2.5
    for seed in range(6):
        made, kept = sign_flip(prices, present, np.random.default_rng(seed))
        assert not kept[0, 25]
        assert kept.sum() == 49
        assert np.abs(returns(made, kept, 0)).max() < 0.2


def test_rows_are_dealt_without_replacement_and_whole():
    prices, present = bars_of(symbols=3)
    prices = prices.copy()
    prices[:, :, 4] = np.arange(3000) + 1.0  # volume tells the row
    made, _ = row_permutation(prices, present, np.random.default_rng(3))
    size = [np.sort(np.abs(returns(made, present, s))) for s in range(3)]
    assert all(len(np.unique(np.round(x, 12))) > 2990 for x in size)  # no bar twice
    correlation = np.corrcoef([returns(made, present, s) for s in range(3)])
    before = np.corrcoef([returns(prices, present, s) for s in range(3)])
    assert np.abs(correlation - before).max() < 0.08


def test_every_bar_of_a_symbol_with_holes_is_dealt_exactly_once():
    prices, present = with_holes(*bars_of())
    prices[:, :, 4] = np.where(present, 1.0, 0.0)
    ids = np.cumsum(present, axis=1).astype(float)
    prices[:, :, 4] = np.where(present, np.exp(ids / 1000), 0)
    made, kept = row_permutation(prices, present, np.random.default_rng(9))
    for s in range(4):
        rank = np.sort(made[s, kept[s], 3])
        assert len(rank) == present[s].sum()
        assert np.isfinite(rank).all()


def test_volume_still_follows_the_size_of_the_move():
    prices, present = bars_of(bars=10_000)

    def link(p):
        size = np.abs(returns(p, present, 0))
        return np.corrcoef(np.log(size + 1e-9), np.log(p[0, 1:, 4]))[0, 1]

    made, _ = row_permutation(prices, present, np.random.default_rng(2))
    assert link(made) > 0.6 * link(prices) > 0.1


def wick_signal(prices, present, s):
    """The planted signal of a linear market: an average of past wick asymmetries."""
    bars = prices[s, present[s]]
    span = np.maximum(bars[:, 1] - bars[:, 2], 1e-12)
    asymmetry = 2 * (bars[:, 3] - bars[:, 2]) / span - 1 - (bars[:, 3] - bars[:, 0]) / span
    out, level = np.empty(len(bars)), 0.0
    for t, value in enumerate(asymmetry):
        level = 0.9 * level + value
        out[t] = level
    return out


def z_of(prices, present):
    product = []
    for s in range(len(prices)):
        r, x = returns(prices, present, s), wick_signal(prices, present, s)[:-1]
        product.append((x - x.mean()) / x.std() * r / r.std())
    bar = np.mean(product, axis=0)
    return bar.mean() / bar.std() * np.sqrt(len(bar))


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_signal_dies(kind):
    prices, present = bars_of("linear", symbols=4, bars=12_000, strength=0.15)
    assert z_of(prices, present) > 8
    z = [z_of(*SURROGATES[kind](prices, present, np.random.default_rng(seed))) for seed in range(12)]
    assert np.abs(z).max() < 4
    assert abs(np.mean(z)) < 3.5 / np.sqrt(12)


def shifted_labels(prices, present, generator):
    """What a surrogate must not be: the bars as they are, and the returns to predict turned round against them."""
    turn = int(generator.integers(500, present.shape[1] - 500))
    return prices, present, np.roll(returns(prices, present, 0), turn)


def surrogate_of(kind):
    def made(prices, present, generator):
        out, kept = SURROGATES[kind](prices, present, generator)
        return out, kept, returns(out, kept, 0)

    return made


def centred_mean(prices, present):
    """The leak: a mean of three bars' bodies that reads one bar ahead; it is made from bars and no label."""
    bars = prices[0, present[0]]
    return np.convolve(np.log(bars[:, 3] / bars[:, 0]), np.ones(3), "same")


def honest_mean(prices, present):
    """The same mean, one bar later: it ends with the bar at whose close it is known."""
    return np.concatenate([[0.0], centred_mean(prices, present)[:-1]])


def z_of_next(feature, target):
    """sqrt(T) times the correlation of a feature at bar t with the return of bar t + 1."""
    known = feature[1:-2], target[1:-1]  # target[t] is the return of bar t + 1
    return np.sqrt(len(known[0])) * np.corrcoef(*known)[0, 1]


@pytest.mark.parametrize("seed", [4, 5, 6])
@pytest.mark.parametrize("kind", KINDS)
def test_a_look_ahead_stays_in_plain_sight(kind, seed):
    # a maker that shifts the labels against the bars hides the leak: a pipeline with it would pass as clean
    prices, present = bars_of(bars=4000)
    seen = {}
    for name, make in (("surrogate", surrogate_of(kind)), ("shifted", shifted_labels)):
        made, kept, target = make(prices, present, np.random.default_rng(seed))
        seen[name] = z_of_next(centred_mean(made, kept), target)
        assert abs(z_of_next(honest_mean(made, kept), target)) < 4  # without the leak there is nothing to see
    assert seen["surrogate"] > 30
    assert abs(seen["shifted"]) < 4


@pytest.mark.parametrize("kind", KINDS)
def test_the_market_on_disk_holds_the_open_bars_only(kind, tmp_path):
    prices, present = bars_of(bars=500)
    close = np.arange(1, 501, dtype=np.int64) * 3_600_000_000_000
    panel = Panel(
        prices, present, close - 3_600_000_000_000, close, ("A", "B", "C", "D"), 3_600_000_000_000, "continuous", "x"
    )
    one = make_surrogate(kind, panel, tmp_path / "one", np.random.default_rng(1))
    two = make_surrogate(kind, panel, tmp_path / "two", np.random.default_rng(1))
    other = make_surrogate(kind, panel, tmp_path / "other", np.random.default_rng(2))
    assert one.hash == two.hash != other.hash
    assert one.manifest.universe == "fixed"
    assert one.end_ns == close[-1]
    assert len(one.bars("A", Span("m", int(close[-1]), int(close[-1])))) == 500


def test_nothing_to_turn_over(tmp_path):
    prices, present = bars_of(bars=50, symbols=1)
    close = np.arange(1, 51, dtype=np.int64) * 3_600_000_000_000
    panel = Panel(prices, np.zeros_like(present), close - 1, close, ("A",), 3_600_000_000_000, "continuous", "x")
    with pytest.raises(DataError, match="no symbol has two usable bars"):
        make_surrogate("sign_flip", panel, tmp_path / "none", np.random.default_rng(0))
