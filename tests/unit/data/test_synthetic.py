"""Known-truth markets: same seed same bytes, the truth comes from past bars alone, bad input gets one line."""

# S symbols, T bars

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from scipy.stats import norm
from scipy.stats import t as student

from edgeproof.core.clock import DAY_NS, HOUR_NS, parse_time
from edgeproof.core.errors import ConfigError, DataError
from edgeproof.core.identity import sha_array
from edgeproof.data.store import open_market
from edgeproof.data.synthetic import KINDS, Generated, generate, make_market
from edgeproof.data.synthetic.law import FREEDOM, Law, up_probability
from edgeproof.ledger.span import Span


def sha(made: Generated) -> str:
    return sha_array(made.open_time, made.ohlcv, made.p_up, made.mean, made.volatility)


# --- the same bytes ---------------------------------------------------------------------------------------------------

SCRIPT = """
from edgeproof.core.identity import sha_array
from edgeproof.data.synthetic import generate
made = generate("linear", 3, 60, 5, 0.15)
print(sha_array(made.open_time, made.ohlcv, made.p_up, made.mean, made.volatility))
"""


def in_another_process(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout.strip()


def test_same_seed_gives_the_same_bytes_in_another_process() -> None:
    here = sha(generate("linear", 3, 60, 5, 0.15))
    assert {in_another_process(PYTHONHASHSEED="1"), in_another_process(PYTHONHASHSEED="2")} == {here}


def test_the_interpreted_loop_gives_the_same_bytes() -> None:
    assert in_another_process(NUMBA_DISABLE_JIT="1") == sha(generate("linear", 3, 60, 5, 0.15))


def test_another_seed_gives_another_market() -> None:
    assert sha(generate("noise", 2, 50, 1)) != sha(generate("noise", 2, 50, 2))


def test_a_market_on_disk_is_the_same_market_each_time(tmp_path: Path) -> None:
    first, second = (
        make_market("linear", tmp_path / name, symbols=2, bars=80, seed=3, strength=0.1) for name in ("a", "b")
    )
    assert first.hash == second.hash
    assert (tmp_path / "a/manifest.json").read_bytes() == (tmp_path / "b/manifest.json").read_bytes()


# --- no look-ahead ----------------------------------------------------------------------------------------------------


# the strength of `decaying` is told in shares of the market's length: its future is varied in test_synthetic_kinds.py
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "decaying"])
def test_another_future_leaves_bars_and_truth_as_they_were(kind: str) -> None:
    short, long = generate(kind, 3, 200, 9), generate(kind, 3, 500, 9)
    for name in ("ohlcv", "p_up", "mean", "volatility"):
        assert np.array_equal(getattr(short, name), getattr(long, name)[:, :200]), name
    assert np.array_equal(short.open_time, long.open_time[:200])


def law_from_bars(made: Generated) -> tuple[np.ndarray, np.ndarray]:
    """Signal times strength and volatility of the bar after each, in plain Python from the bars and the hour alone.

    Starts at the market's first bar without its memory, which is gone after 400 bars: .91^400 = 4e-17.
    """
    S, T = made.p_up.shape
    kappa = made.parameters["strength"] if made.parameters["kind"] == "linear" else 0.0
    drift_ST, sigma_ST = np.zeros((S, T)), np.zeros((S, T))
    signal, own, market = [0.0] * S, [1.0] * S, 1.0
    drift, sigma = [0.0] * S, list(made.parameters["sigma"])
    for t in range(T):
        hour = (int(made.open_time[t]) // HOUR_NS + 1) % 24
        squares = []
        for s in range(S):
            o, h, low, c, _ = made.ohlcv[s, t].tolist()
            square = min(((c / o - 1 - drift[s] * sigma[s]) / sigma[s]) ** 2, 16.0)
            squares.append(square)
            own[s] = 0.01 + 0.08 * square / 0.9555 + 0.91 * own[s]
            signal[s] = 0.9 * signal[s] + (1 - 0.81) ** 0.5 * (
                (2 * (c - low) / (h - low) - 1 - (c - o) / (h - low)) / 0.2748
            )
            drift[s] = kappa * max(-3.0, min(3.0, signal[s]))
        market = 0.01 + 0.12 * (sum(squares) / S) / 0.9555 + 0.87 * market
        for s in range(S):
            day = 1 + 0.25 * np.cos(2 * np.pi * hour / 24)
            sigma[s] = made.parameters["sigma"][s] * (market * own[s]) ** 0.5 * day
            drift_ST[s, t], sigma_ST[s, t] = drift[s], sigma[s]
    return drift_ST, sigma_ST


@pytest.mark.parametrize("kind", ["noise", "linear"])  # the other kinds: test_synthetic_kinds.py
def test_truth_is_a_function_of_past_bars(kind: str) -> None:
    made = generate(kind, 3, 900, 4, 0.15)
    drift, sigma = law_from_bars(made)
    late = slice(600, None)
    assert made.mean[:, late] == pytest.approx((drift * sigma)[:, late], rel=1e-9, abs=1e-15)
    assert made.volatility[:, late] == pytest.approx((sigma * np.sqrt(1.02))[:, late], rel=1e-9)
    witness = [[exact_up(drift[s, t], sigma[s, t]) for t in (600, 750, 899)] for s in range(3)]
    assert made.p_up[:, [600, 750, 899]] == pytest.approx(np.array(witness), abs=1e-9)


# --- the stated law ---------------------------------------------------------------------------------------------------


def exact_up(drift: float, sigma: float, delta: float = 0.02) -> float:
    """P(up) by adaptive quadrature over the gap, with SciPy's Student t: the second witness."""

    def given_gap(n: float) -> float:
        needed = np.expm1(-(np.sqrt(delta) * sigma * n - delta * sigma**2 / 2))
        return float(norm.pdf(n) * student.sf(np.sqrt(5 / 3) * (needed - drift * sigma) / sigma, 5))

    return integrate.quad(given_gap, -12, 12, epsabs=1e-13, limit=200)[0]


@pytest.mark.parametrize("drift", [-0.6, -0.1, 0.0, 0.05, 0.45])
@pytest.mark.parametrize("sigma", [1e-6, 0.007, 0.1])
def test_probability_of_an_up_bar_by_quadrature(drift: float, sigma: float) -> None:
    made = up_probability(np.array([[drift]]), np.array([[sigma]]), 0.02)
    assert made[0, 0] == pytest.approx(exact_up(drift, sigma), abs=1e-12)


def test_without_a_gap_the_probability_is_that_of_the_body() -> None:
    drift = np.array([[-0.3, 0.0, 0.2]])
    made = up_probability(drift, np.full((1, 3), 0.01), 0.0)
    assert made == pytest.approx(student.cdf(drift * np.sqrt(5 / 3), 5), abs=1e-14)


def test_constants_of_the_law() -> None:
    scale = np.sqrt(3 / 5)
    capped = integrate.quad(lambda x: min((scale * x) ** 2, 16.0) * student.pdf(x, 5), -np.inf, np.inf, limit=200)[0]
    assert Law().shock_mean == pytest.approx(capped, abs=5e-4)  # .95585; .9555 makes variances .3% larger
    assert FREEDOM == 5.0


# --- bars -------------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    symbols=st.integers(1, 5),
    bars=st.integers(10, 80),
    seed=st.integers(0, 2**40),
    strength=st.floats(0.0, 1.0),
)
def test_bars_are_consistent(kind: str, symbols: int, bars: int, seed: int, strength: float) -> None:
    chosen = KINDS[kind]
    made = generate(kind, symbols, bars, seed, None if chosen.fixed else strength * chosen.largest_strength)
    opened, high, low, close, volume = np.moveaxis(made.ohlcv, -1, 0)
    assert made.ohlcv.shape == (symbols, bars, 5)
    assert np.isfinite(made.ohlcv).all()
    assert low.min() > 0
    assert volume.min() > 0
    assert (low <= np.minimum(opened, close)).all()
    assert (high >= np.maximum(opened, close)).all()
    assert (high > low).all()
    assert (made.volatility > 0).all()
    assert ((made.p_up > 0) & (made.p_up < 1)).all()
    assert len(set(made.symbols)) == symbols


def test_noise_records_strength_0_and_linear_what_was_asked() -> None:
    assert generate("noise", 1, 20, 1, 0.3).parameters["strength"] == 0.0
    assert generate("linear", 1, 20, 1, 0.3).parameters["strength"] == 0.3
    assert generate("linear", 1, 20, 1).parameters["strength"] == 0.10


def test_the_planted_market_is_the_noise_market_with_another_mean() -> None:
    quiet, noise = generate("linear", 2, 100, 6, 0.0), generate("noise", 2, 100, 6)
    assert np.array_equal(quiet.ohlcv, noise.ohlcv)
    assert np.array_equal(quiet.p_up, noise.p_up)


def test_names_and_clock() -> None:
    made = generate("noise", 3, 24, 1, start="2021-03-01")
    assert made.symbols == ("S00", "S01", "S02")
    assert made.open_time[0] == parse_time("2021-03-01")
    assert np.array_equal(np.diff(made.open_time), np.full(23, HOUR_NS))
    assert np.array_equal(made.close_time - made.open_time, np.full(24, HOUR_NS))
    assert generate("noise", 1, 24, 1).open_time[0] == parse_time("2020-01-01")
    assert generate("noise", 101, 10, 1).symbols[-1] == "S100"


def test_volatility_follows_the_hour_of_the_bar_it_speaks_of() -> None:
    made = generate("noise", 4, 6000, 8)
    next_hour = (made.close_time % DAY_NS) // HOUR_NS
    by_hour = np.array([np.log(made.volatility[:, next_hour == hour]).mean() for hour in range(24)])
    expected = np.log(1 + 0.25 * np.cos(2 * np.pi * np.arange(24) / 24))
    assert np.corrcoef(by_hour, expected)[0, 1] > 0.99
    assert by_hour.argmax() == 0


# --- on disk ----------------------------------------------------------------------------------------------------------


def test_a_market_on_disk_carries_bars_truth_and_parameters(tmp_path: Path) -> None:
    made = generate("linear", 2, 100, 7, 0.15)
    make_market("linear", tmp_path / "m", symbols=2, bars=100, seed=7, strength=0.15)
    market = open_market(tmp_path / "m")
    assert market.manifest.universe == "fixed"
    assert market.manifest.kind == "linear"
    assert market.manifest.interval_ns == HOUR_NS
    assert market.manifest.truth == made.parameters
    everything = Span("m", market.end_ns, market.end_ns)
    for s, symbol in enumerate(market.symbols):
        assert np.array_equal(market.bars(symbol, everything).ohlcv, made.ohlcv[s])
        truth = market.truth(symbol, everything)
        assert truth is not None
        assert np.array_equal(truth["p_up"], made.p_up[s])
        assert np.array_equal(truth["mean"], made.mean[s])
        assert np.array_equal(truth["volatility"], made.volatility[s])


def test_the_truth_of_sealed_bars_is_stored_apart(tmp_path: Path) -> None:
    market = make_market("linear", tmp_path / "m", symbols=1, bars=100, seed=7)
    open_span = Span("m", market.manifest.apart_ns, market.manifest.apart_ns)
    truth = market.truth("S00", open_span)
    assert truth is not None
    assert len(truth["p_up"]) == len(market.bars("S00", open_span)) == 80


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "symbols", "bars", "strength", "words"),
    [
        ("linaer", 2, 100, 0.1, "did you mean 'linear'"),
        ("linear", 0, 100, 0.1, "symbols 0"),
        ("linear", -3, 100, 0.1, "symbols -3"),
        ("linear", 2, 0, 0.1, "bars 0"),
        ("linear", 2, 9, 0.1, "at least 10"),
        ("linear", 2, 100, -0.1, "strength -0.1"),
        ("linear", 2, 100, float("nan"), "strength nan"),
        ("linear", 2, 100, 1.5, "strength 1.5"),
        ("noise", 2, 100, -0.1, "strength -0.1"),
    ],
)
def test_bad_input_gets_one_line(
    tmp_path: Path, kind: str, symbols: int, bars: int, strength: float, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_market(kind, tmp_path / "m", symbols=symbols, bars=bars, seed=1, strength=strength)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m").exists()


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "mine.txt").write_text("mine")
    with pytest.raises(DataError):
        make_market("noise", tmp_path / "m", symbols=1, bars=20, seed=1)
    assert (tmp_path / "m" / "mine.txt").read_text() == "mine"
