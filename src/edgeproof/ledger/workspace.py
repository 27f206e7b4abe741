"""Where the ledger lives: the folder whose `.edgeproof` counts everything done with the markets below it."""

import os
from pathlib import Path

__all__ = ["FOLDER", "VARIABLE", "find_workspace"]

FOLDER = ".edgeproof"
VARIABLE = "EDGEPROOF_WORKSPACE"


def find_workspace(explicit: Path | None = None, market_path: Path | None = None) -> Path:
    """The folder that holds, or will hold, `.edgeproof`.

    In this order: `explicit` (`--workspace`), the variable `EDGEPROOF_WORKSPACE`, the nearest folder upward from the
    market's own that holds `.edgeproof`, the market's parent. A market that is a frame in memory stands for the
    current folder. Links are followed, so that a linked market is counted where its bars lie.
    """
    if explicit is not None:
        return Path(explicit).expanduser().resolve()
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser().resolve()
    start = Path.cwd() if market_path is None else Path(market_path).resolve()
    for folder in (start, *start.parents):
        if (folder / FOLDER).is_dir():
            return folder
    return start if market_path is None else start.parent
