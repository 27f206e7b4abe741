"""A finished run's folder, written from plain data."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from edgeproof.core.files import write_json, write_text
from edgeproof.recipe.folder import RunFolder
from edgeproof.report.run import RunData


def put(run: RunData, path: Path, *, market: str = "m" * 64) -> Path:
    """Write what `edgeproof run` leaves behind, the bundle apart."""
    folder = RunFolder(path)
    state = {"identity": {"market": market, "workspace": str(path.parent)}, "trained": "t" * 64}
    write_json(path / "run.json", state | {"thresholds": list(run.thresholds)})
    write_text(path / "config.yaml", run.config_yaml)
    write_json(path / "verdict.json", dict(run.verdict) | {"annualisation": 8760.0})
    for name in ("history", "predictions", "track", "trades"):
        folder.write_table(name, getattr(run, name))
    folder.write_findings(run.findings)
    return path


def moved(run: RunData, by: float) -> RunData:
    """The same run with this much more earned on every bar."""
    return replace(run, track=run.track.with_columns(pl.col("net_return") + by))
