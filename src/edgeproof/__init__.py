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
    from edgeproof.gates import check_model, check_training
    from edgeproof.recipe.frames import from_pandas, from_polars
    from edgeproof.recipe.outside import judge
    from edgeproof.recipe.run import Run, run
    from edgeproof.samples.split.splitter import PurgedSplitter

__version__ = "0.1.0"
__all__ = ["EdgeproofError", "Market", "PurgedSplitter", "Run", "check_model", "check_training", "from_pandas"]
__all__ += ["from_polars", "judge", "make_market", "open_market", "run"]

_HOMES = {
    "core.errors": ("EdgeproofError",),
    "data.store": ("Market", "open_market"),
    "data.synthetic": ("make_market",),
    "gates": ("check_model", "check_training"),
    "recipe.frames": ("from_pandas", "from_polars"),
    "recipe.outside": ("judge",),
    "recipe.run": ("Run", "run"),
    "samples.split.splitter": ("PurgedSplitter",),
}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'edgeproof' has no attribute {name!r}")
    return getattr(import_module(f"edgeproof.{home}"), name)
