"""Markets from data frames, for notebooks and scripts."""

from pathlib import Path
from typing import Any

from edgeproof.data.intake import from_frame
from edgeproof.data.store import Market

__all__ = ["from_pandas", "from_polars"]


def from_pandas(
    frame: Any, out: Path | str | None = None, *, symbol: str = "ASSET", universe: str = "survivors"
) -> Market:
    """A market from a pandas frame in long format: time (column or index), OHLCV, and a symbol column if many.

    Args:
        frame: the bars; column names are recognised as in files.
        out: the market's folder; default: a folder named by content under `.edgeproof/frames` in the current folder.
        symbol: name of the symbol where the frame has no symbol column.
        universe: `survivors`, `fixed`, or the path of a membership file.

    Raises:
        DataError: what a file with such content would be refused for.
    """
    return from_frame(frame, None if out is None else Path(out), symbol=symbol, universe=universe)


def from_polars(
    frame: Any, out: Path | str | None = None, *, symbol: str = "ASSET", universe: str = "survivors"
) -> Market:
    """A market from a Polars frame; as `from_pandas`."""
    return from_frame(frame, None if out is None else Path(out), symbol=symbol, universe=universe)
