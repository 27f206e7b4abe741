"""Known-truth kinds beyond linear: their truth comes from past bars and the features' formulas, and is stated."""

# S symbols, T bars

import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.errors import ConfigError
from edgeproof.core.identity import sha_array
from edgeproof.core.rng import Rng
from edgeproof.data.store import open_market
from edgeproof.data.synthetic import KINDS, Generated, generate, make_market
from edgeproof.data.synthetic.generate import _draw, _setting
from edgeproof.data.synthetic.signals import state_size
from edgeproof.data.synthetic.walk import Draws, Walk, walk
from edgeproof.features import FEATURES, Rows
from edgeproof.ledger.span import Span
from edgeproof.stats.classify import soft_auc

NEW = ("nonlinear", "temporal", "regime", "decaying", "costly", "dead")
STRENGTH = {"nonlinear": 0.17, "temporal": 0.20, "regime": 0.15, "decaying": 0.15}


# --- the bytes of noise and linear are what they were -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "symbols", "bars", "seed", "strength", "expected"),
    [  # recorded from the version that had these two kinds only
        ("noise", 3, 500, 1, None, "a88a40b84277869827a7fc66bd0aceac6c4f3a8f7a3712c7394aaa48a802aafd"),
        ("linear", 3, 500, 1, 0.10, "e455b2aadc70a1f68e415e61e81c3936ef3a45ab33bacf3646cea45dcea17962"),
        ("linear", 8, 2000, 5, 0.15, "68ee243f64e57b43f61f994ff20e32f53d4d43ae7a6536d274647466c40b165a"),
    ],
)
def test_noise_and_linear_keep_their_bytes(
    kind: str, symbols: int, bars: int, seed: int, strength: float | None, expected: str
) -> None:
    made = generate(kind, symbols, bars, seed, strength)
    assert sha_array(made.open_time, made.ohlcv, made.p_up, made.mean, made.volatility) == expected


# --- no look-ahead ----------------------------------------------------------------------------------------------------


class Wick:
    """AR(1) of the wick asymmetry."""

    def __init__(self, phi: float) -> None:
        self.phi, self.s = phi, 0.0

    def after(self, bar: list[float]) -> float:
        o, h, low, c, _ = bar
        x = ((min(o, c) - low) - (h - max(o, c))) / (h - low) / 0.2748
        self.s = self.phi * self.s + math.sqrt(1 - self.phi**2) * x
        return max(-3.0, min(3.0, self.s))


class Turned:
    """Momentum that volume turns round, from lists of the whole past."""

    def __init__(self, by_slope: bool) -> None:
        self.by_slope, self.up, self.down, self.q = by_slope, 0.0, 0.0, 0.0
        self.close: list[float] = []
        self.logs: list[float] = []
        self.y: list[float] = []

    def after(self, bar: list[float]) -> float:
        move = bar[3] - self.close[-1] if self.close else 0.0
        self.close.append(bar[3])
        self.up, self.down = (13 * self.up + max(move, 0.0)) / 14, (13 * self.down + max(-move, 0.0)) / 14
        self.logs.append(math.log(bar[4]))
        last = self.logs[-168:]
        if len(last) < 168:
            return 0.0
        mean = sum(last) / 168
        sd = math.sqrt(sum((v - mean) ** 2 for v in last) / 167)
        self.y.append(max(-3.0, min(3.0, (last[-1] - mean) / sd)))
        self.q = 0.9 * self.q + 0.1 * self.y[-1]
        momentum = (self.up / (self.up + self.down) - 0.5) / 0.105
        if not self.by_slope:
            return momentum * math.tanh(2 * (self.q - 0.2)) / 0.78
        if len(self.y) < 24:
            return 0.0
        slope = (sum(self.y[-12:]) - sum(self.y[-24:-12])) / 12
        return momentum * math.tanh(1.5 * (slope - 0.2)) / 0.81


def signals(made: Generated) -> list[Wick | Turned]:
    kind = made.parameters["kind"]
    if kind in ("nonlinear", "temporal"):
        return [Turned(kind == "temporal") for _ in made.symbols]
    return [Wick(0.0 if kind == "dead" else 0.9) for _ in made.symbols]


def kappa_after(made: Generated, t: int) -> float:
    kappa = made.parameters["strength"]
    if made.parameters["kind"] != "decaying":
        return kappa
    return kappa * 2.0 ** (-(t + 1) / (0.15 * made.parameters["bars"]))


def law_from_bars(made: Generated) -> tuple[np.ndarray, np.ndarray]:
    """Drift and volatility of the bar after each, in plain Python from the bars, the hour and the bar's number alone.

    It starts at the market's first bar without the memory of the bars thrown away; that is gone where it is compared.
    """
    S, T = made.p_up.shape
    drift_ST, sigma_ST = np.zeros((S, T)), np.zeros((S, T))
    signal_S, own, market = signals(made), [1.0] * S, 1.0
    drift, sigma, on = [0.0] * S, list(made.parameters["sigma"]), made.parameters["kind"] != "regime"
    fast = slow = 0.0
    for t in range(T):
        squares, moves = [], []
        for s in range(S):
            bar = made.ohlcv[s, t].tolist()
            square = min(((bar[3] / bar[0] - 1 - drift[s] * sigma[s]) / sigma[s]) ** 2, 16.0)
            squares.append(square)
            own[s] = 0.01 + 0.08 * square / 0.9555 + 0.91 * own[s]
            drift[s] = kappa_after(made, t) * signal_S[s].after(bar)
            moves.append(math.log(bar[3] / made.ohlcv[s, t - 1, 3]) if t else 0.0)
        market = 0.01 + 0.12 * (sum(squares) / S) / 0.9555 + 0.87 * market
        if made.parameters["kind"] == "regime":
            fast += ((sum(moves) / S) ** 2 - fast) / 24
            slow += ((sum(moves) / S) ** 2 - slow) / 168
            on = fast > 1.25 * slow or (on and not fast < 0.8 * slow)
        day = 1 + 0.25 * math.cos(2 * math.pi * ((int(made.open_time[t]) // HOUR_NS + 1) % 24) / 24)
        for s in range(S):
            drift[s] = drift[s] if on else 0.0
            sigma[s] = made.parameters["sigma"][s] * math.sqrt(market * own[s]) * day
            drift_ST[s, t], sigma_ST[s, t] = drift[s], sigma[s]
    return drift_ST, sigma_ST


@pytest.mark.parametrize("kind", NEW)
def test_truth_is_a_function_of_past_bars(kind: str) -> None:
    made = generate(kind, 3, 1800, 4, STRENGTH.get(kind))
    drift, sigma = law_from_bars(made)
    late = slice(1000, None)
    assert made.volatility[:, late] == pytest.approx((sigma * math.sqrt(1.02))[:, late], rel=1e-9)
    assert made.mean[:, late] == pytest.approx((drift * sigma)[:, late], rel=1e-9, abs=1e-12)
    stated = made.mean[:, late] / made.volatility[:, late] * math.sqrt(1.02)
    assert stated == pytest.approx(drift[:, late], abs=1e-9)
    assert np.abs(stated).max() > 0.01


def walked(kind: str, T: int, future: int | None) -> Walk:
    """The recursion with every draw from bar `future` on replaced by others."""
    chosen, rng = KINDS[kind], Rng(3)
    draws = _draw(rng, 2, T)
    if future is not None:
        other = _draw(Rng(99), 2, T)
        mixed = [np.concatenate([a[..., :future], b[..., future:]], axis=-1) for a, b in zip(draws, other, strict=True)]
        draws = Draws(*mixed)
    open_T1 = HOUR_NS * np.arange(T + 1, dtype=np.int64)
    setting = _setting(rng, chosen.law, 2, chosen.path(chosen.default_strength, T), open_T1)
    start = np.zeros((2, state_size(chosen.signal)))
    return walk(draws, setting, start, (chosen.signal, chosen.switched), chosen.law)


@pytest.mark.parametrize("kind", KINDS)
def test_other_draws_later_leave_bars_and_law_as_they_were(kind: str) -> None:
    as_is, changed = walked(kind, 700, None), walked(kind, 700, 500)
    for here, there in zip(as_is[:3], changed[:3], strict=True):
        assert np.array_equal(here[:, :500], there[:, :500])
    assert not np.array_equal(as_is.ohlcv, changed.ohlcv)


# --- planted on the registered features -------------------------------------------------------------------------------


def feature(made: Generated, s: int, name: str) -> np.ndarray:
    rows = dict(zip(("open", "high", "low", "close", "volume"), made.ohlcv[s].T.copy(), strict=True))
    rows |= {"close_time": made.close_time, "log_close": np.log(rows["close"])}
    nothing = np.zeros(len(made.close_time))  # the other symbols' returns, which these features do not read
    return FEATURES[name].function(Rows(**{f.name: rows.get(f.name, nothing) for f in fields(Rows)}))


@pytest.mark.parametrize("kind", ["nonlinear", "temporal"])
def test_the_signal_is_made_of_registered_features(kind: str) -> None:
    """The recursion carries its own RSI and volume z-score; g from the features' float64 functions is equal to 1e-9."""
    made = generate(kind, 2, 1100, 12, 0.15)
    for s in range(2):
        momentum = (feature(made, s, "rsi_14") - 0.5) / 0.105
        y = np.clip(feature(made, s, "log_volume_z_168"), -3, 3)[167:]
        if kind == "nonlinear":
            weight = 0.1 * 0.9 ** np.arange(300)
            gate = np.tanh(2 * (np.convolve(y, weight)[: len(y)] - 0.2)) / 0.78
        else:
            slope = np.convolve(y, np.repeat([1 / 12, -1 / 12], 12))[: len(y)]
            gate = np.tanh(1.5 * (slope - 0.2)) / 0.81
        stated = made.mean[s] / made.volatility[s] * math.sqrt(1.02) / 0.15
        assert stated[600:] == pytest.approx(momentum[600:] * gate[433:], abs=1e-9)


@pytest.mark.parametrize("kind", ["linear", "regime", "decaying", "costly", "dead"])
def test_the_wick_signal_is_made_of_registered_features(kind: str) -> None:
    made = generate(kind, 1, 700, 12)
    x = (2 * feature(made, 0, "close_location") - 1 - feature(made, 0, "body_share")) / 0.2748
    phi = 0.0 if kind == "dead" else 0.9
    weight = math.sqrt(1 - phi**2) * phi ** np.arange(250.0)
    kappa = np.array([kappa_after(made, t) for t in range(700)])
    expected = (kappa * np.clip(np.convolve(x, weight)[:700], -3, 3))[450:]
    stated = (made.mean[0] / made.volatility[0] * math.sqrt(1.02))[450:]
    on = stated != 0.0
    assert on.all() == (kind != "regime")
    assert on.any()
    assert stated[on] == pytest.approx(expected[on], abs=1e-9)


# --- what the market states -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_oracle_auc_is_stated_and_read_back(tmp_path: Path, kind: str) -> None:
    market = make_market(kind, tmp_path / "m", symbols=8, bars=20_000, seed=1)
    stated: dict[str, Any] = open_market(tmp_path / "m").manifest.truth
    everything = Span("m", market.end_ns, market.end_ns)
    truths = [market.truth(symbol, everything) for symbol in market.symbols]
    p = np.stack([truth["p_up"] for truth in truths if truth is not None])
    assert soft_auc(p, p) == pytest.approx(stated["oracle_auc"], abs=1e-12)
    if kind != "decaying":  # the last fifth alone, which is sealed, and the rest: the same law
        for part in (p[:, :16_000], p[:, 16_000:]):
            assert soft_auc(part, part) == pytest.approx(stated["oracle_auc"], abs=0.006 if kind == "regime" else 0.003)


def test_parameters_name_what_a_kind_is_about() -> None:
    said = {kind: generate(kind, 1, 20, 1).parameters for kind in KINDS}
    assert said["nonlinear"]["signal"].startswith("(rsi_14 - 0.5)")
    assert said["regime"]["regime"] == {"fast_bars": 24, "slow_bars": 168, "on_above": 1.25, "off_below": 0.8}
    assert said["decaying"]["half_life_bars"] == pytest.approx(3.0)
    assert {kind: (p["strength"], p["cost_bps"]) for kind, p in said.items() if "cost_bps" in p} == {
        "costly": (0.05, 10.0),
        "dead": (0.06, 10.0),
    }
    assert said["dead"]["law"]["signal_memory"] == 0.0
    assert said["dead"]["law"]["sigma"] == 0.005


def test_half_of_a_decaying_strength_is_left_after_a_half_life() -> None:
    assert KINDS["decaying"].path(0.16, 1000)[[0, 150, 300, 1000]] == pytest.approx(
        [0.16, 0.08, 0.04, 0.16 * 0.00984], 1e-3
    )


@pytest.mark.parametrize(
    ("kind", "strength", "words"),
    [
        ("costly", 0.05, "'costly' fixes it at 0.05"),
        ("dead", 0.1, "'dead' fixes it at 0.06"),
        ("costly", 0.0, "strength 0.0"),
        ("nonlinear", 0.3, "0 to 0.25 for kind 'nonlinear'"),
        ("temporal", float("nan"), "strength nan"),
    ],
)
def test_a_strength_that_a_kind_cannot_have_gets_one_line(
    tmp_path: Path, kind: str, strength: float, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_market(kind, tmp_path / "m", symbols=2, bars=100, seed=1, strength=strength)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m").exists()
