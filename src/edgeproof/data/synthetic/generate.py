"""Known-truth bars with the exact conditional law of the tradable label beside every bar; same seed, same bytes."""

# S symbols, T bars (warm-up included where said)

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeproof.core.catalog import lookup
from edgeproof.core.clock import DAY_NS, HOUR_NS, parse_time
from edgeproof.core.errors import ConfigError
from edgeproof.core.rng import Rng
from edgeproof.data.synthetic.law import FREEDOM, WARM_UP_BARS, Law, up_probability
from edgeproof.data.synthetic.planted import KINDS, Kind
from edgeproof.data.synthetic.signals import state_size
from edgeproof.data.synthetic.walk import Draws, Setting, State, walk
from edgeproof.stats.classify import soft_auc

__all__ = ["MINIMUM_BARS", "START", "Generated", "beginning", "generate"]

START = "2020-01-01"
MOST_BARS = 2_000_000  # hours from 2020 on that fit into int64 nanoseconds
MOST_CELLS = 200_000_000  # symbols x bars: about 20 GB while they are made
MINIMUM_BARS = 10  # the last fifth is sealed: fewer leave nothing to look at


@dataclass(frozen=True)
class Generated:
    """Bars of a known-truth market and what is true of them, before they are written.

    Attributes:
        symbols: S names.
        open_time: i64[T] ns UTC, hourly.
        close_time: i64[T] ns UTC.
        ohlcv: f64[S, T, 5].
        p_up: f64[S, T] P(open of t+2 > open of t+1 | bars to t).
        mean: f64[S, T] mean of that return, given the same.
        volatility: f64[S, T] standard deviation of that return, given the same.
        parameters: all that the generator was given, ready for JSON.
    """

    symbols: tuple[str, ...]
    open_time: np.ndarray
    close_time: np.ndarray
    ohlcv: np.ndarray
    p_up: np.ndarray
    mean: np.ndarray
    volatility: np.ndarray
    parameters: dict[str, Any]


def _draw(rng: Rng, S: int, T: int) -> Draws:
    """One stream a symbol and purpose: more bars leave the first ones as they are."""

    def normal(purpose: str) -> np.ndarray:
        return np.stack([rng.child(purpose, s).numpy().standard_normal(T) for s in range(S)])

    def exponential(purpose: str) -> np.ndarray:
        return np.stack([rng.child(purpose, s).numpy().standard_exponential(T) for s in range(S)])

    chi_ST = np.stack([rng.child("tail", s).numpy().chisquare(FREEDOM, T) for s in range(S)])
    return Draws(
        market=rng.child("market").numpy().standard_normal(T),
        own=normal("own"),
        tail=np.sqrt((FREEDOM - 2.0) / chi_ST),
        gap=normal("gap"),
        upper=exponential("upper"),
        lower=exponential("lower"),
        level=normal("level"),
        volume=normal("volume"),
    )


def _setting(rng: Rng, law: Law, S: int, kappa_T1: np.ndarray, open_T1: np.ndarray) -> Setting:
    """Constants of the symbols; the hour is that of each bar's open."""
    sigma_S, price_S, volume_S = (rng.child("symbol", what).numpy() for what in ("sigma", "price", "volume"))
    return Setting(
        sigma=law.sigma * np.exp(law.sigma_spread * sigma_S.standard_normal(S)),
        price=100.0 * np.exp(price_S.standard_normal(S)),
        volume=10.0 + volume_S.standard_normal(S),
        kappa=kappa_T1,
        day=np.cos(2.0 * np.pi * (open_T1 % DAY_NS) / DAY_NS),
    )


def _open_times(start: str, bars: int) -> np.ndarray:
    """i64[WARM_UP_BARS + bars]: the bar 0 of the market opens at `start`."""
    return parse_time(start) + HOUR_NS * np.arange(-WARM_UP_BARS, bars, dtype=np.int64)


def _kappa(kind: Kind, strength: float, bars: int, beyond: int) -> np.ndarray:
    return np.concatenate([np.full(WARM_UP_BARS, strength), kind.path(strength, bars, beyond)])


def beginning(truth: Mapping[str, Any], beyond: int) -> tuple[Setting, State]:
    """A market's constants, on a clock that begins with its first bar, and the state before that bar.

    Args:
        truth: the market's truth parameters.
        beyond: bars after its last one that the clock reaches.
    """
    kind, law, S = KINDS[truth["kind"]], Law(**truth["law"]), truth["symbols"]
    rng, bars = Rng(truth["seed"]).child("synthetic"), truth["bars"]
    kappa, opened = _kappa(kind, truth["strength"], bars, beyond), _open_times(truth["start"], bars + beyond)
    setting, start_SK = _setting(rng, law, S, kappa, opened), np.zeros((S, state_size(kind.signal)))
    warm = walk(_draw(rng, S, WARM_UP_BARS), setting, start_SK, (kind.signal, kind.switched), law)
    return setting._replace(kappa=setting.kappa[WARM_UP_BARS:], day=setting.day[WARM_UP_BARS:]), warm.state


def _check(symbols: int, bars: int) -> None:
    if bars > MOST_BARS or symbols * bars > MOST_CELLS:
        raise ConfigError(
            f"symbols {symbols}, bars {bars}: a known-truth market has at most {MOST_BARS:,} bars a symbol and "
            f"{MOST_CELLS:,} in all; lower either"
        )
    if symbols < 1:
        raise ConfigError(f"symbols {symbols}: a market has at least 1")
    if bars < MINIMUM_BARS:
        raise ConfigError(f"bars {bars}: a known-truth market has at least {MINIMUM_BARS}; 20000 is usual")


def generate(
    kind: str, symbols: int, bars: int, seed: int, strength: float | None = None, *, start: str = START
) -> Generated:
    """Make the bars of a known-truth market in memory, hourly from `start`.

    Args:
        kind: a key of `KINDS`.
        symbols: number of symbols, at least 1.
        bars: bars a symbol, at least `MINIMUM_BARS`.
        seed: same seed, same bytes; more bars with the same seed begin with the same bars.
        strength: kappa, the planted mean in volatilities; None takes the kind's default, `noise` records 0.
        start: open time of the first bar.

    Returns:
        Bars and truth.

    Raises:
        ConfigError: unknown kind, no symbols, too few bars, or a strength outside 0 to 1.
    """
    chosen: Kind = lookup(KINDS, "kinds", kind)
    _check(symbols, bars)
    kappa = chosen.strength(strength)
    T, rng = WARM_UP_BARS + bars, Rng(seed).child("synthetic")
    open_T1 = _open_times(start, bars + 1)
    setting = _setting(rng, chosen.law, symbols, _kappa(chosen, kappa, bars, 1), open_T1)
    start_SK = np.zeros((symbols, state_size(chosen.signal)))
    made = walk(_draw(rng, symbols, T), setting, start_SK, (chosen.signal, chosen.switched), chosen.law)
    drift, sigma = made.drift[:, WARM_UP_BARS:], made.sigma[:, WARM_UP_BARS:]
    p_up = up_probability(drift, sigma, chosen.law.gap)
    open_time = open_T1[WARM_UP_BARS:-1]
    digits = max(2, len(str(symbols - 1)))
    return Generated(
        symbols=tuple(f"S{s:0{digits}d}" for s in range(symbols)),
        open_time=open_time,
        close_time=open_time + HOUR_NS,
        ohlcv=made.ohlcv[:, WARM_UP_BARS:].copy(),
        p_up=p_up,
        mean=drift * sigma,
        volatility=sigma * np.sqrt(1.0 + chosen.law.gap),
        parameters={
            "kind": kind,
            "strength": kappa,
            "seed": seed,
            "symbols": symbols,
            "bars": bars,
            "start": start,
            "freedom": FREEDOM,
            "warm_up_bars": WARM_UP_BARS,
            "law": chosen.law._asdict(),
            "sigma": [float(value) for value in setting.sigma],
            "oracle_auc": soft_auc(p_up, p_up),
            **chosen.stated(bars),
        },
    )
