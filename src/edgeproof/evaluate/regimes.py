"""Every figure per regime of the market, and the test that asks whether one of them loses.

A regime's figures are those of its own bars, put side by side in order of time. Its test is that of the verdict on the
whole span with the net return outside the regime set to zero, so that blocks keep their place.
"""

# T bars, S symbols

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtr

from edgeproof.core.rng import Rng
from edgeproof.evaluate.figures import forecast_figures, in_market, trading_figures
from edgeproof.regimes.regime import Regimes
from edgeproof.simulator.track import Track
from edgeproof.stats.blocks import BLOCKS, BlockTest, block_t, traded_blocks
from edgeproof.stats.bootstrap import sharpe_interval

__all__ = ["ByRegime", "RegimeTest", "Scored", "by_regime", "regime_tests"]

_LEAST_BLOCKS = 2  # a loss in a single block has t = -1, however large it is


@dataclass(frozen=True)
class RegimeTest:
    """Whether a span loses in one regime.

    Attributes:
        code: of the regime.
        bars: of the span in the regime.
        traded_bars: those of them with a position or a trade.
        test: of the net return, zero outside the regime.
        p_loss: chance of so bad a result, or worse, where the true mean is zero: the lower tail of `test.adjusted`.
        told: False where the test cannot tell: fewer than two of 14 blocks traded in the regime, or sums that do not
            vary; `p_loss` is then above any level that is asked.
    """

    code: int
    bars: int
    traded_bars: int
    test: BlockTest
    p_loss: float
    told: bool


@dataclass(frozen=True)
class Scored:
    """Forecasts of a span, for their figures per regime; arrays as in `evaluate.figures.forecast_figures`."""

    probability: np.ndarray
    label: np.ndarray
    scored: np.ndarray
    volatility: np.ndarray | None = None
    truth: np.ndarray | None = None


@dataclass(frozen=True)
class ByRegime:
    """A span seen regime by regime.

    Attributes:
        code: i8[T] of each bar, -1 where unknown.
        names: of the regimes.
        rule: how a bar gets its regime.
        figures: of each regime that the span has, in order of code: name, bars, share (of the bars whose regime is
            known), traded_bars, t (lowered for skew), p_loss, `net` and `gross` (`trading_figures`, with sharpe_low
            and sharpe_high), `forecast` (`forecast_figures`, where there are forecasts).
        fits: what a fitted model was at each of its fits.
    """

    code: np.ndarray
    names: tuple[str, ...]
    rule: str
    figures: Sequence[Mapping[str, Any]]
    fits: Sequence[Mapping[str, Any]] = ()


def regime_tests(
    net: np.ndarray, held: np.ndarray, code: np.ndarray, *, bars_per_day: int, horizon_bars: int
) -> list[RegimeTest]:
    """The test of each regime that the span has, in order of code.

    Args:
        net: f64[T] net return per bar.
        held: bool[T] bars with a position or a trade.
        code: i8[T] regime of each bar, -1 where unknown: those belong to none.
        bars_per_day: of the market.
        horizon_bars: of the label.
    """
    tests = []
    for regime in np.unique(code[code >= 0]).tolist():
        inside = code == regime
        x = np.where(inside, net, 0.0)
        found = block_t(x, held, bars_per_day=bars_per_day, horizon_bars=horizon_bars)
        told = found.flag is None and traded_blocks(held & inside) >= _LEAST_BLOCKS
        p_loss = float(stdtr(BLOCKS - 1, found.adjusted))
        tests.append(RegimeTest(regime, int(inside.sum()), int((held & inside).sum()), found, p_loss, told))
    return tests


def by_regime(  # noqa: PLR0913 - what a span is made of
    regimes: Regimes,
    bars: slice,
    track: Track,
    hold_return: np.ndarray,
    *,
    rng: Rng,
    bars_per_year: float,
    bars_per_day: int,
    horizon_bars: int,
    forecasts: Scored | None = None,
) -> ByRegime:
    """Figures of a span in each regime that it has.

    Args:
        regimes: of the panel.
        bars: the span within the panel; the track and the forecasts cover it alone.
        track: T bars of money.
        hold_return: f64[T] of holding the track's own average weights of this span.
        rng: of the intervals, by the regime's name.
        bars_per_year: annualises.
        bars_per_day: of the market.
        horizon_bars: of the label.
        forecasts: of the span.
    """
    code = regimes.code[bars]
    net, held = track.net_return, in_market(track)
    known, rows = int((code >= 0).sum()), []
    for found in regime_tests(net, held, code, bars_per_day=bars_per_day, horizon_bars=horizon_bars):
        name, inside = regimes.names[found.code], code == found.code
        figures = trading_figures(track, bars_per_year=bars_per_year, span=inside, hold_return=hold_return)
        around = _interval(net[inside], rng.child(name, "sharpe"), bars_per_year)
        row = {"name": name, "bars": found.bars, "share": found.bars / known, "traded_bars": found.traded_bars}
        row |= {"t": found.test.adjusted, "p_loss": found.p_loss} if found.told else {"t": None, "p_loss": None}
        row |= {"net": figures["net"] | around, "gross": figures["gross"]}
        if forecasts is not None:
            block = max(bars_per_day, horizon_bars)
            row["forecast"] = _forecast(forecasts, inside, rng.child(name, "forecast"), block)
        rows.append(row)
    return ByRegime(code, regimes.names, regimes.rule, tuple(rows), regimes.fits)


def _interval(net: np.ndarray, rng: Rng, bars_per_year: float) -> dict[str, float | None]:
    """95% interval of the annual Sharpe ratio from blocks of the regime's bars, all symbols of a bar together."""
    found, root = sharpe_interval(net, rng.numpy(), repetitions=500), float(np.sqrt(bars_per_year))
    return {
        "sharpe_low": None if found is None else found.sharpe_low * root,
        "sharpe_high": None if found is None else found.sharpe_high * root,
    }


def _forecast(forecasts: Scored, inside: np.ndarray, rng: Rng, block_bars: int) -> dict[str, float | str | None]:
    return forecast_figures(
        forecasts.probability,
        forecasts.label,
        forecasts.scored & inside,
        rng.numpy(),
        block_bars=block_bars,
        volatility=forecasts.volatility,
        truth=forecasts.truth,
    )
