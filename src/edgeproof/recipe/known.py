"""What a known-truth run is measured against: the oracle of its label, and the best trading after costs."""

# S symbols, T bars of the panel, B bars of the span

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared
from edgeproof.recipe.trade import Traded
from edgeproof.train.forecast import Forecast
from edgeproof.truth.optimum import check_gain
from edgeproof.truth.oracle import Asked, oracle_of
from edgeproof.truth.stated import Stated
from edgeproof.truth.trading import OPTIMUM_KINDS, UNKNOWN, evaluate_policy, market_optimum

__all__ = ["known_truth"]

BPS = 1e4


def known_truth(
    truth: Mapping[str, Any],
    config: RunConfig,
    prepared: Prepared,
    made: tuple[Forecast, Traded],
    *,
    scored: np.ndarray,
    bars: slice,
    volatility: np.ndarray | None,
) -> dict[str, Any] | None:
    """The oracle beside the model, on the samples of a span; None on a real market.

    Args:
        truth: the market's truth parameters; empty for a real one.
        config: the run's config.
        prepared: a span that contains the bars.
        made: forecast and money.
        scored: bool[S, T] samples.
        bars: the bars judged.
        volatility: f[S, T] log trailing volatility.

    Returns:
        The keys of `truth.oracle.oracle_of`, `auc_share`, `kind`, and `trading`.
    """
    stated = prepared.stated
    if stated is None:
        return None
    forecast, traded = made
    asked = Asked(config.label, prepared.labels, scored, forecast.probability, volatility)
    found = oracle_of(truth, prepared.panel, stated, asked, rng=Rng(config.seed).child("oracle"))
    trading = _trading(truth, config, stated, traded, bars)
    return (found or {}) | {"auc_share": (found or {}).get("model_share"), "kind": truth["kind"], "trading": trading}


def _trading(
    truth: Mapping[str, Any], config: RunConfig, stated: Stated, traded: Traded, bars: slice
) -> dict[str, Any]:
    """The best policy's gain a bar in bps, beside the model's with the return's noise integrated out, and realised.

    The best policy is that of one symbol, so of positions of 1/S at most. Weights of at most m earn at most S x m
    times as much (`bound_bps`, of `share` = S x m): gains and costs are in proportion to a position.
    """
    earned = _expected(stated, traded, bars)
    net = traded.track.net_return
    body: dict[str, Any] = {
        "model_gain_bps": BPS * float(earned.mean()),
        "model_growth_bps": BPS * float(np.log1p(np.maximum(net, -0.999)).mean()),
    }
    if truth["kind"] not in OPTIMUM_KINDS:
        return body | {"unknown": UNKNOWN[truth["kind"]]}
    cost_bps, others = _cheapest_bps(config), _not_solved(config, traded)
    short = bool(getattr(config.policy, "short", True)) or bool((traded.track.weights < 0.0).any())
    try:
        best = market_optimum(truth, stated, cost_bps=cost_bps, growth=False, short=short)
    except OptionError:  # too few bars for volatility bins
        best = market_optimum(truth, stated, cost_bps=cost_bps, growth=False, short=short, bins=1)
    share = max(1.0, len(stated.mean) * float(np.abs(traded.track.weights).max(initial=0.0)))
    bound = share * best.best.gain  # of weights of 1/S each; in proportion where one symbol may weigh more
    # what the stated law says of a position knows nothing of a return seen too early: only what happened shows it
    body |= {"cost_bps": cost_bps, "short": short, "share": share, "leak": check_gain(net, bound).to_json()}
    if others:
        return body | {"unknown": f"this run also pays {' and '.join(others)}, which the best policy is not solved for"}
    on_bars = evaluate_policy(best.weights(stated)[:, bars], _cut(stated, bars), cost_bps=cost_bps, growth=False)
    return body | {
        "best_bps": BPS * best.best.gain,
        "best_here_bps": BPS * on_bars.gain,
        "bound_bps": BPS * bound,
    }


def _cheapest_bps(config: RunConfig) -> float:
    """The least that a side of a trade pays in proportion: the maker's fee where a target may be filled."""
    commission, spread, slippage = config.costs.rates()
    maker, targets = config.costs.maker_bps, max(config.options.take_profit, config.options.take_volatilities)
    if maker is not None and targets > 0.0:
        commission = min(commission, maker / BPS)
    return BPS * (commission + spread + slippage)


def _not_solved(config: RunConfig, traded: Traded) -> list[str]:
    """Charges of the run that are no share of what is traded; without them a gain can only be larger."""
    held = traded.track.weights
    charged = {
        "impact": config.costs.impact,
        "a fee per unit": config.costs.commission_per_unit,
        "a smallest commission": config.costs.commission_minimum,
        "borrow": config.costs.borrow_bps_per_bar * float((held < 0.0).any()),
        "interest": config.costs.interest_bps_per_bar * float((np.maximum(held, 0.0).sum(axis=1) > 1.0).any()),
    }
    return [name for name, charge in charged.items() if charge]


def _cut(stated: Stated, bars: slice) -> Stated:
    return Stated(stated.p_up[:, bars], stated.mean[:, bars], stated.volatility[:, bars], stated.known[:, bars])


def _expected(stated: Stated, traded: Traded, bars: slice) -> np.ndarray:
    """f64[B]: what the weights earn by the law stated one bar before each bar, less what was paid."""
    mean = np.concatenate([np.zeros((len(stated.mean), 1)), stated.mean[:, :-1]], axis=1)[:, bars]
    equity = traded.track.equity[:-1]
    paid = np.divide(traded.track.costs, equity, out=np.zeros_like(equity), where=equity > 0.0)
    return (traded.track.weights.T * mean).sum(axis=0) - paid
