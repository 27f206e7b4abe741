"""What a result must survive: a bar of delay, twice the costs, the loss of its best trades; and fills nobody gets.

Nothing is selected by them, so they are no trials, and nothing is decided by them.
"""

# A assets, T bars

from collections.abc import Callable

import numpy as np

from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.feed import Outside
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import Track

__all__ = ["ABLATIONS", "BEST_TRADES", "Orders", "ablate", "without_best"]

BEST_TRADES = 5
Orders = tuple[np.ndarray, np.ndarray, CostsConfig, Options]  # targets f64[A, T], decided bool[T] or [A, T]


def _late(weights: np.ndarray, decided: np.ndarray, costs: CostsConfig, options: Options) -> Orders:
    late_weights, late = np.zeros_like(weights), np.zeros_like(decided)
    late_weights[:, 1:], late[..., 1:] = weights[:, :-1], decided[..., :-1]
    return late_weights, late, costs, options


def _twice(weights: np.ndarray, decided: np.ndarray, costs: CostsConfig, options: Options) -> Orders:
    penalty = {"liquidation_bps": 2.0 * options.liquidation_bps}  # the one cost that is a rule of the account
    return weights, decided, costs.times(2.0), options.model_copy(update=penalty)


def _at_close(weights: np.ndarray, decided: np.ndarray, costs: CostsConfig, options: Options) -> Orders:
    return weights, decided, costs, options.model_copy(update={"fill_at_close": True})


ABLATIONS: dict[str, Callable[..., Orders]] = {
    "one_bar_late": _late,
    "costs_twice": _twice,
    "same_close": _at_close,
}


def without_best(weights: np.ndarray, track: Track, count: int = BEST_TRADES) -> np.ndarray:
    """The same targets, f64[A, T], as if the most profitable trades had never been entered.

    The best are those of the largest net result as a share of the equity at their entry. A trade is left out from its
    decision until its target leaves its side.
    """
    trades, kept = track.trades, weights.copy()
    before = track.equity[trades["entry_bar"]]
    result = np.divide(trades["net"], before, out=np.zeros(len(trades)), where=before > 0)
    for trade in trades[np.argsort(-result, kind="stable")[:count]]:
        row, first = kept[trade["asset"]], max(trade["entry_bar"] - 1, 0)
        other = np.flatnonzero(weights[trade["asset"], first:] * trade["side"] <= 0.0)
        row[first : first + other[0] if other.size else None] = 0.0
    return kept


def ablate(
    prices: np.ndarray,
    present: np.ndarray,
    orders: Orders,
    *,
    outside: Outside | None = None,
    track: Track | None = None,
) -> dict[str, Track]:
    """The track of the same targets under each ablation; shapes as in `simulate`.

    `one_bar_late` moves targets and decisions one bar on, `costs_twice` doubles every cost but funding, which is a
    transfer, and `same_close` fills at the close of the decision and stamps its track. With the `track` of the orders
    themselves, `without_five_best` leaves its five most profitable trades out.
    """
    series = outside or Outside()
    changed = {name: change(*orders) for name, change in ABLATIONS.items()}
    if track is not None:
        changed["without_five_best"] = (without_best(orders[0], track), *orders[1:])
    return {
        name: simulate(prices, present, weights, decided, costs, options=options, outside=series)
        for name, (weights, decided, costs, options) in changed.items()
    }
