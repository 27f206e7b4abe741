"""What a result must survive: every decision one bar late, every cost twice, and fills that no market offers."""

# A assets, T bars

from collections.abc import Callable

import numpy as np

from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.feed import Outside
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import Track

__all__ = ["ABLATIONS", "Orders", "ablate"]

Orders = tuple[np.ndarray, np.ndarray, CostsConfig, Options]  # targets f64[A, T], decided bool[T] or [A, T]


def _late(weights: np.ndarray, decided: np.ndarray, costs: CostsConfig, options: Options) -> Orders:
    late_weights, late = np.zeros_like(weights), np.zeros_like(decided)
    late_weights[:, 1:], late[..., 1:] = weights[:, :-1], decided[..., :-1]
    return late_weights, late, costs, options


def _twice(weights: np.ndarray, decided: np.ndarray, costs: CostsConfig, options: Options) -> Orders:
    return weights, decided, costs.times(2.0), options


def _at_close(weights: np.ndarray, decided: np.ndarray, costs: CostsConfig, options: Options) -> Orders:
    return weights, decided, costs, options.model_copy(update={"fill_at_close": True})


ABLATIONS: dict[str, Callable[..., Orders]] = {
    "one_bar_late": _late,
    "costs_twice": _twice,
    "same_close": _at_close,
}


def ablate(
    prices: np.ndarray, present: np.ndarray, orders: Orders, *, outside: Outside | None = None
) -> dict[str, Track]:
    """The track of the same targets under each ablation; shapes as in `simulate`.

    `one_bar_late` moves targets and decisions one bar on, `costs_twice` doubles every cost but funding, which is a
    transfer, and `same_close` fills at the close of the decision and stamps its track.
    """
    series = outside or Outside()
    tracks = {}
    for name, change in ABLATIONS.items():
        weights, decided, costs, options = change(*orders)
        tracks[name] = simulate(prices, present, weights, decided, costs, options=options, outside=series)
    return tracks
