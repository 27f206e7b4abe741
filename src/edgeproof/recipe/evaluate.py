"""A finished bundle on a market: bars that it was trained on and sealed bars are left out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.core.clock import iso
from edgeproof.core.device import set_threads
from edgeproof.core.errors import DataError
from edgeproof.data.store import Market, open_market
from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.workspace import find_workspace
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.judging import check_assets, evaluate_span, market_facts, unknown_symbols
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.transfer import trained_until
from edgeproof.train.bundle import Bundle, read_bundle
from edgeproof.verdict.open import open_seal
from edgeproof.verdict.ready import json_ready

__all__ = ["evaluate_bundle"]


def evaluate_bundle(
    path: Path, market_path: Path, *, workspace: Path | None = None, open_sealed: bool = False
) -> dict[str, Any]:
    """Figures of a bundle on a market's open bars after its training span; on the sealed ones only when opened.

    Nothing is selected here, so nothing is counted as a trial; an opening is recorded.

    Args:
        path: the bundle, or the run that holds it.
        market_path: the market; it need not be the one that the bundle was trained on.
        workspace: folder whose ledger holds the seal.
        open_sealed: judge the sealed span instead, once and on record.

    Raises:
        EdgeproofError: bad input, in one line.
    """
    bundle, market = read_bundle(Path(path)), open_market(Path(market_path))
    set_threads()
    config = load_run_config(bundle.config)
    check_assets(bundle, market.symbols)
    ledger = Ledger(find_workspace(workspace, market.path))
    span, opening = _within_lineage(open_bars(config, market, ledger), bundle, market), None
    if open_sealed:
        opened = open_seal(ledger, span, candidate=bundle.sha, end_ns=market.end_ns)
        span, opening = opened.span, opened.opening
    prepared = prepare(config, market, span)
    close = prepared.panel.close_time
    trained = trained_until(bundle, prepared, ledger, span.market)
    first = _first_bar(trained, span, close)
    if first >= len(close):
        raise DataError(_nothing_later(trained, market, span, ledger))
    bars = slice(first, len(close))
    judged = evaluate_span(config, prepared, bundle, bars=bars, market=market)
    return json_ready(
        {
            "span": "sealed" if open_sealed else "open",
            "opening": opening,
            "start": iso(int(close[bars.start])),
            "end": iso(int(close[-1])),
            "bars": len(close) - bars.start,
            "net": dict(judged.evidence.figures["net"]),
            "gross": dict(judged.evidence.figures["gross"]),
            "forecast": dict(judged.evidence.forecast),
            "benchmarks": dict(judged.evidence.benchmarks),
            "regimes": [] if judged.evidence.regimes is None else list(judged.evidence.regimes.figures),
            "oracle": judged.oracle,
            "market": market_facts(market),
            "findings": [finding.to_json() for finding in unknown_symbols(bundle, prepared)],
        }
    )


def _within_lineage(span: Span, bundle: Bundle, market: Market) -> Span:
    """What the bundle's own ledger had sealed stays sealed in any other workspace."""
    if market.hash != bundle.lineage["market"]:
        return span
    seal = min(span.seal_ns, bundle.lineage["seal_ns"])
    return replace(span, end_ns=min(span.end_ns, seal), seal_ns=seal)


def _first_bar(trained: int, span: Span, close: np.ndarray) -> int:
    """First bar after the seal if it is opened, else after what the bundle was trained on."""
    after = trained if span.opening is None else max(span.seal_ns, trained)
    return int(np.searchsorted(close, after, side="right"))


def _nothing_later(trained: int, market: Market, span: Span, ledger: Ledger) -> str:
    """Why no readable bar is later than what a bundle was trained on, and what would be."""
    close = market.clock() + market.manifest.interval_ns
    readable = close[close <= span.end_ns]
    said = (
        f"{market.path}: the bundle was trained on bars up to {iso(trained)}, and none of this market that "
        f"may be read is later: the last closes at {iso(int(readable[-1]))}"
    )
    if len(readable) < len(close):
        said += f", {len(close) - len(readable)} of its {len(close)} bars are sealed{_whose(span, ledger)}"
    return f"{said}; give a market with later open bars"


def _whose(span: Span, ledger: Ledger) -> str:
    """That a seal comes from another market which has these bars, where it does."""
    own = next((row.body for row in ledger.rows("market") if row.body["market"] == span.market), None)
    earlier = None if own is None else own.get("seal_of")
    if earlier is None:
        return ""
    return f", by the seal of an earlier market of this workspace that has the same bars ({earlier[:12]})"
