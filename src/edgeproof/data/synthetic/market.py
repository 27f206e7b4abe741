"""Known-truth markets on disk: bars, a manifest with the generator's parameters, and the truth beside every bar."""

from pathlib import Path

from edgeproof.core.clock import HOUR_NS
from edgeproof.data.bars import Bars
from edgeproof.data.store import Market, write_market
from edgeproof.data.synthetic.generate import START, Generated, generate

__all__ = ["make_market"]


def _bars(made: Generated, source: str) -> list[Bars]:
    return [
        Bars(symbol, made.open_time, made.close_time, made.ohlcv[s], source) for s, symbol in enumerate(made.symbols)
    ]


def make_market(
    kind: str,
    out: Path,
    *,
    symbols: int,
    bars: int,
    seed: int,
    strength: float | None = None,
    start: str = START,
) -> Market:
    """Write a known-truth market; its universe is `fixed`: no symbol was chosen by looking at its path.

    Args:
        kind: a key of `KINDS`.
        out: a folder that does not exist or is empty.
        symbols: number of symbols.
        bars: hourly bars a symbol.
        seed: same seed, same bytes.
        strength: kappa, the planted mean in volatilities; None takes the kind's default, `noise` records 0.
        start: open time of the first bar.

    Raises:
        ConfigError: unknown kind, no symbols, too few bars, or a strength outside 0 to 1.
        DataError: a place that cannot be written.
    """
    made = generate(kind, symbols, bars, seed, strength, start=start)
    source = f"known-truth market {kind}, strength {made.parameters['strength']:g}, seed {seed}"
    truth = {
        symbol: {"p_up": made.p_up[s], "mean": made.mean[s], "volatility": made.volatility[s]}
        for s, symbol in enumerate(made.symbols)
    }
    return write_market(
        out,
        _bars(made, source),
        interval_ns=HOUR_NS,
        calendar="continuous",
        universe="fixed",
        kind=kind,
        source=source,
        truth=made.parameters,
        truth_arrays=truth,
    )
