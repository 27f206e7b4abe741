"""Literal evidence, and the published reference of the rule as second witness."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats

from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.ledger.trials import TrialTable
from edgeproof.stats.performance import performance
from edgeproof.verdict.evidence import Evidence, SpanEvidence

HOUR = 3600 * 10**9
YEAR = 8760
MARKET = {"hash": "ab" * 32, "symbols": 8, "bars": 20_000, "start": "2024-01-01 00:00", "end": "2026-04-13 08:00"}


def span(net, hold=None, held=None, **changes) -> SpanEvidence:
    net = np.asarray(net, float)
    held = np.asarray(net != 0 if held is None else held, bool)
    figures: dict[str, Any] = {
        "net": performance(net, bars_per_year=YEAR) | {"cost_bps": 5.0, "break_even_bps": 9.0},
        "gross": performance(net, bars_per_year=YEAR),
    }
    start = SpanEvidence(
        start_ns=0,
        end_ns=len(net) * HOUR,
        net=net,
        gross=net,
        hold=np.zeros_like(net) if hold is None else np.asarray(hold, float),
        in_market=held,
        figures=figures,
        forecast={"auc": 0.54, "log_loss": 0.69},
    )
    return replace(start, **changes)


def table(returns=None, without: int = 0) -> TrialTable:
    if returns is None:
        returns = good_trials()
    returns = np.asarray(returns, float)
    ids = tuple(f"trial{n}" for n in range(returns.shape[1]))
    return TrialTable(ids, (), returns, np.arange(len(returns)) * HOUR, without, len(ids) + without)


def good_trials(count: int = 20, bars: int = 3000) -> np.ndarray:
    g = np.random.default_rng(99)
    return (g.standard_normal((bars, 1)) + 0.3 * g.standard_normal((bars, count)) + 0.1) * 0.01


def good_net(bars: int = 4000, seed: int = 1) -> np.ndarray:
    """Net Sharpe about 7 a year: p far below every alpha of the first openings."""
    return np.random.default_rng(seed).standard_normal(bars) * 0.01 + 0.0008


def evidence(**changes) -> Evidence:
    net = changes.pop("net", None)
    sealed = changes.pop("sealed", span(good_net() if net is None else net))
    start = Evidence(
        validation=span(good_net(3000, 2)),
        sealed=sealed,
        opening=None if sealed is None else 1,
        openings=0 if sealed is None else 1,
        sealed_bars=4000 if sealed is None else len(sealed.net),
        trials=changes.pop("trials", None) or table(),
        candidate_before_opening=True,
        findings=(),
        universe="fixed",
        bars_per_year=YEAR,
        bars_per_day=24,
        horizon_bars=1,
        market=MARKET,
        rng=Rng(5),
    )
    return replace(start, **changes)


def error(check: str = "leakage.causal") -> Finding:
    return Finding(check, "error", "rsi_14 changes when later bars change")


# --- verdict_rule.py (2026-11-21), the published reference of the rule, copied ---
Q, UPPER, LIMIT_SE = 14, 0.05, 3.0


def rule_alpha(k):
    return 0.04 if k == 1 else 0.01 / (k * (k - 1))


def rule_units(x, traded, day=24):
    if traded.mean() < 0.5:
        edge = np.flatnonzero(np.diff(np.r_[0, traded.astype(int), 0]))
        c = np.r_[0, np.cumsum(x)]
        return c[edge[1::2]] - c[edge[::2]]
    n = len(x) // day * day
    return x[:n].reshape(-1, day).sum(1)


def rule_t_adj(x, traded):
    b = np.bincount(np.arange(len(x)) * Q // len(x), x, Q)
    s = b.std(ddof=1)
    if s == 0:
        return 0.0
    t = b.mean() / s * np.sqrt(Q)
    u = rule_units(x, traded)
    g = stats.skew(u) if len(u) > 2 and u.std() > 0 else 0.0
    return t + min(g, 0.0) / (6 * np.sqrt(max(len(u), 1))) * (2 * t * t + 1)


def rule_regime_p(net, traded, regimes, r):
    return stats.t.cdf(rule_t_adj(np.where(regimes == r, net, 0.0), traded), Q - 1)


def rule_verdict(net, hold, traded, opening=1, pmax=0.0, p_loss=0.0, regimes=None, s_min=None):
    n = len(net)
    idx, why = np.arange(n) * Q // n, []
    if not traded.any():
        return "no_edge", ["never trades"], None
    p = max(stats.t.sf(rule_t_adj(net, traded), Q - 1), stats.t.sf(rule_t_adj(net - hold, traded), Q - 1))
    b = np.bincount(idx, net, Q) / np.bincount(idx, minlength=Q)
    se = b.std(ddof=1) / np.sqrt(Q)
    U = (net.mean() + stats.t.isf(UPPER, Q - 1) * se) * np.sqrt(YEAR) / net.std()
    limit = LIMIT_SE * np.sqrt(YEAR / n)
    target = limit if s_min is None else s_min
    if len(rule_units(net, traded)) < 30:
        why.append("units")
    if (np.bincount(idx, traded, Q) > 0).sum() < 10:
        why.append("blocks")
    if pmax > 0.5:
        why.append("p_max")
    if p_loss >= 0.5:
        why.append("p_loss")
    if regimes is not None:
        lab = np.unique(regimes)
        if any(rule_regime_p(net, traded, regimes, r) < 0.05 / len(lab) for r in lab):
            why.append("regimes")
    if p <= rule_alpha(opening):
        return ("inconclusive" if why else "edge"), why, (p, U, limit)
    return ("no_edge" if target >= U else "inconclusive"), why, (p, U, limit)
