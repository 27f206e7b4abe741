"""Figures of one span, without judgement: what trading earned net and gross, and how good the forecasts were."""

# S symbols, T bars, A assets

import numpy as np

from edgeproof.evaluate.intervals import forecast_intervals
from edgeproof.simulator.track import COST_KINDS, Track
from edgeproof.stats.classify import auc, auc_within, classification, soft_auc
from edgeproof.stats.performance import performance

__all__ = ["forecast_figures", "in_market", "trading_figures"]

Figures = dict[str, float | str | None]
_INTERVAL_REPETITIONS = 200


def in_market(track: Track) -> np.ndarray:
    """bool[T]: bars with a position at their close or a trade in them, so that an episode holds its exit's costs."""
    return (track.weights != 0).any(axis=1) | (track.traded > 0)


def trading_figures(
    track: Track,
    *,
    bars_per_year: float,
    span: slice | np.ndarray = slice(None),
    hold_return: np.ndarray | None = None,
) -> dict[str, Figures]:
    """Net and gross figures of a track over some of its bars.

    Args:
        track: T bars of money.
        bars_per_year: annualises.
        span: the bars to look at, a slice or bool[T]; bars that do not follow each other are put side by side.
        hold_return: f64[T] return of holding the track's own average weights, free of cost (zero outside the span).

    Returns:
        {"net": ..., "gross": ...}, each with the keys of `stats.performance`. `net` has besides: bars, trades,
        turnover (traded notional a year as a multiple of equity), exposure (mean gross weight), time_in_market,
        trade_win_rate, trade_payoff, trade_profit_factor, trade_expectancy (per round trip, in shares of the equity
        at entry), costs and each cost by kind (sum of shares of equity), cost_share (costs / gross gain, None if gross
        <= 0), cost_bps (paid a side), break_even_bps (cost a side at which nothing is left, None if gross <= 0 or
        nothing was traded), and with `hold_return` hold_total_return, hold_sharpe, timing_sharpe (net minus it).
    """
    net, gross = track.net_return[span], track.gross_return[span]
    figures = performance(net, bars_per_year=bars_per_year) | _trade_figures(track, span)
    figures |= _activity(track, span, bars_per_year) | _cost_figures(track, span, gross)
    if hold_return is not None:
        hold = performance(hold_return[span], bars_per_year=bars_per_year)
        figures["hold_total_return"], figures["hold_sharpe"] = hold["total_return"], hold["sharpe"]
        figures["timing_sharpe"] = performance(net - hold_return[span], bars_per_year=bars_per_year)["sharpe"]
    return {"net": figures, "gross": performance(gross, bars_per_year=bars_per_year)}


def _activity(track: Track, span: slice | np.ndarray, bars_per_year: float) -> Figures:
    traded, weights = track.traded[span], np.abs(track.weights[span]).sum(axis=1)
    bars = len(traded)
    if bars == 0:
        return {"bars": 0.0, "turnover": None, "exposure": None, "time_in_market": None}
    return {
        "bars": float(bars),
        "turnover": float(traded.mean() * bars_per_year),
        "exposure": float(weights.mean()),
        "time_in_market": float(in_market(track)[span].mean()),
    }


def _trade_figures(track: Track, span: slice | np.ndarray) -> Figures:
    chosen = np.zeros(len(track.net), dtype=bool)
    chosen[span] = True
    inside = track.trades[chosen[track.trades["entry_bar"]]]
    before = track.equity[inside["entry_bar"]]
    result = np.divide(inside["net"], before, out=np.zeros(len(inside)), where=before > 0)
    gain, loss = result[result > 0], -result[result < 0]
    known = len(inside) > 0
    return {
        "trades": float(len(inside)),
        "trade_win_rate": float((result > 0).mean()) if known else None,
        "trade_payoff": float(gain.mean() / loss.mean()) if gain.size and loss.size else None,
        "trade_profit_factor": float(gain.sum() / loss.sum()) if loss.size else None,
        "trade_expectancy": float(result.mean()) if known else None,
    }


def _cost_figures(track: Track, span: slice | np.ndarray, gross: np.ndarray) -> Figures:
    before = track.equity[:-1][span]
    alive = before > 0
    kinds = {
        kind: float((getattr(track, kind)[span][alive] / before[alive]).sum())
        for kind in COST_KINDS
        if getattr(track, kind)[span].any()
    }
    costs, gained, traded = sum(kinds.values()), float(gross.sum()), float(track.traded[span].sum())
    return {
        "costs": costs,
        **{f"cost_{kind}": value for kind, value in kinds.items()},
        "cost_share": costs / gained if gained > 0 else None,
        "cost_bps": costs / traded * 1e4 if traded > 0 else None,
        "break_even_bps": gained / traded * 1e4 if gained > 0 and traded > 0 else None,
    }


def forecast_figures(
    probability: np.ndarray,
    label: np.ndarray,
    scored: np.ndarray,
    generator: np.random.Generator,
    *,
    block_bars: int,
    volatility: np.ndarray | None = None,
    truth: np.ndarray | None = None,
) -> Figures:
    """Classification figures with 95% intervals from blocks of bars across all symbols, never single samples.

    Args:
        probability: f[S, T] forecasts.
        label: f[S, T] 0 or 1.
        scored: bool[S, T] a forecast was made and the label is known.
        generator: of the resamples.
        block_bars: length of a block; at least the label horizon, a day or more.
        volatility: f[S, T] trailing volatility; its own AUC stands beside the model's as `volatility_auc`, so that
            the difference, `auc_over_volatility`, is what is not just size; `auc_within_volatility` is the model's
            AUC inside the deciles of volatility, the mean by their samples.
        truth: f[S, T] true probability of the label on a known-truth market, for `soft_auc`.

    Returns:
        The keys of `stats.classify.classification`, `*_low` and `*_high` for auc, f1_plus, log_loss and brier (None
        below 10 blocks), and the keys above where their input is given.
    """
    p, y = probability[scored], label[scored]
    figures = classification(p, y)
    bar = np.nonzero(scored)[1]
    figures |= forecast_intervals(p, y, bar // max(1, block_bars), generator, repetitions=_INTERVAL_REPETITIONS)
    if volatility is not None:
        figures |= _beside_volatility(figures["auc"], auc(volatility[scored], y))
        figures["auc_within_volatility"] = auc_within(p, y, volatility[scored])
    if truth is not None:
        figures["soft_auc"] = soft_auc(p, truth[scored])
    return figures


def _beside_volatility(model: float | str | None, size: float | None) -> Figures:
    if size is None or not isinstance(model, float):
        return {"volatility_auc": size, "auc_over_volatility": None}
    return {"volatility_auc": size, "auc_over_volatility": model - max(size, 1 - size)}
