"""From a market's span to what can be learned and traded: panel, features, labels, decision bars, stated truth."""

# S symbols, T bars, N samples, L window

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel, build_panel
from edgeproof.data.quality import check_market
from edgeproof.data.store import Market
from edgeproof.features import FeatureTable
from edgeproof.features.table import build_features
from edgeproof.labels.decide import decision_bars
from edgeproof.labels.label import Labels
from edgeproof.leakage.causal import check_causal
from edgeproof.leakage.stable import check_stable
from edgeproof.ledger.seal import open_span
from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import RunConfig
from edgeproof.truth.stated import Stated, stated_truth

__all__ = ["Prepared", "audit_features", "market_findings", "open_bars", "prepare", "silent_symbols"]


@dataclass(frozen=True)
class Prepared:
    """One span of a market, ready for samples.

    Attributes:
        panel: bars of the span.
        table: unscaled features.
        labels: labels, known where they resolve within the span.
        decide: bool[T] decision bars.
        stated: the law of the next tradable return, of known-truth markets.
    """

    panel: Panel
    table: FeatureTable
    labels: Labels
    decide: np.ndarray
    stated: Stated | None


def open_bars(config: RunConfig, market: Market, ledger: Ledger) -> Span:
    """The market's open span in a workspace; its first use fixes the seal."""
    close_time = market.clock() + market.manifest.interval_ns
    share = config.split.model_dump()["sealed"]
    return open_span(ledger, market.fingerprints(), close_time=close_time, sealed_share=share, bars_hash=market.hash)


def prepare(config: RunConfig, market: Market, span: Span, *, cache: Path | None = None) -> Prepared:
    """Build everything that a run reads from the bars of a span.

    Args:
        config: the run's config.
        market: the market.
        span: open or opened; nothing beyond it is read.
        cache: folder for feature tables; only open spans are cached.
    """
    panel = build_panel(market, span, config.quality)
    table = build_features(
        panel, config.features, max_gap_bars=config.quality.max_gap_bars, cache=None if span.opening else cache
    )
    decide = decision_bars(panel, config.decide_every)
    labels = config.label.label(panel, decide)  # pyright: ignore[reportAttributeAccessIssue] - every label config has it
    return Prepared(panel, table, labels, decide, stated_truth(market, panel, span))


def market_findings(config: RunConfig, market: Market) -> list[Finding]:
    """What the import saw, and what the bar checks see now; the config may overrule what it says of the universe."""
    found = [*market.findings(), *check_market(market)]
    if config.universe == "fixed":
        found = [finding for finding in found if finding.check != "quality.survivorship"]
    seen: set[tuple[str, str, str]] = set()
    unique = []
    for finding in found:
        key = (finding.check, finding.where, finding.claim)
        if key not in seen:
            seen.add(key)
            unique.append(finding)
    return unique


def silent_symbols(prepared: Prepared) -> list[Finding]:
    """A finding where symbols never have all features, so that nothing is learned from them or traded in them."""
    symbols = prepared.panel.symbols
    silent = [symbols[s] for s in np.flatnonzero(~prepared.table.ready.any(axis=1))]
    if not silent:
        return []
    return [
        Finding(
            check="features.silent_symbols",
            level="warning",
            claim=f"{len(silent)} of {len(symbols)} symbols never have all features: never traded",
            evidence={"count": len(silent), "symbols": silent[:20]},
            remedy="leave them out, or choose features that their bars can give (a history of 301 bars, volume)",
        )
    ]


def audit_features(config: RunConfig, panel: Panel) -> list[Finding]:
    """Causality and stability of every feature of the config, on excerpts of the panel."""
    rng, gap = Rng(config.seed).child("audit"), config.quality.max_gap_bars
    return [
        *check_causal(panel, config.features, rng.child("causal"), max_gap_bars=gap),
        *check_stable(panel, config.features, rng.child("stable"), max_gap_bars=gap),
    ]
