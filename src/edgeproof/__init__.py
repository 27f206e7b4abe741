"""edgeproof: train trading models on market bars and prove, or disprove, that they have an edge.

    import edgeproof as ep
    market = ep.from_pandas(frame)
    run = ep.run("logistic_baseline.yaml", market, out="runs/first")  # run.verdict, run.track

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import edgeproof.core.device  # noqa: F401 - before torch: how its threads wait

if TYPE_CHECKING:
    from edgeproof.core.errors import EdgeproofError
    from edgeproof.data.store import Market, open_market
    from edgeproof.data.synthetic import make_market
    from edgeproof.recipe.frames import from_pandas, from_polars
    from edgeproof.recipe.outside import judge
    from edgeproof.recipe.run import Run, run
    from edgeproof.samples.split.splitter import PurgedSplitter

__version__ = "0.1.0"
__all__ = [
    "EdgeproofError",
    "Market",
    "PurgedSplitter",
    "Run",
    "from_pandas",
    "from_polars",
    "judge",
    "make_market",
    "open_market",
    "run",
]

_HOMES = {
    "EdgeproofError": "edgeproof.core.errors",
    "Market": "edgeproof.data.store",
    "PurgedSplitter": "edgeproof.samples.split.splitter",
    "Run": "edgeproof.recipe.run",
    "from_pandas": "edgeproof.recipe.frames",
    "from_polars": "edgeproof.recipe.frames",
    "judge": "edgeproof.recipe.outside",
    "make_market": "edgeproof.data.synthetic",
    "open_market": "edgeproof.data.store",
    "run": "edgeproof.recipe.run",
}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'edgeproof' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
