"""A finished run of an agent made by hand, in the shape of a run's folder."""

from dataclasses import replace

import numpy as np
import polars as pl

from edgeproof.core.rng import Rng
from edgeproof.report.run import RunData
from tests.unit.report import runs

WEIGHTED = "environment:\n  reward: {name: weighted, direction: 0.5, pnl: 2.0, exits: 0.15, drawdown: 0.1}\n"


def history(updates: int = 12, kept: int = 9) -> pl.DataFrame:
    """Learning curves that rise to the kept update; validated at every third."""
    update = np.arange(1, updates + 1)
    score = [round(8.0 - 0.1 * (number - kept) ** 2, 3) if number % 3 == 0 else None for number in update]
    columns = {
        "epoch": update,
        "update": update,
        "steps": 1000 * update,
        "reward": 0.01 * update,
        "direction": 0.02 * update,
        "pnl": 0.01 * update,
        "exits": np.zeros(updates),
        "drawdown": np.full(updates, -1e-4),
        "policy_loss": np.full(updates, -0.005),
        "value_loss": 1.5 - 0.05 * update,
        "entropy": 1.0986 * np.exp(-update / 30),
        "kl": np.full(updates, 0.006),
        "clip_share": np.full(updates, 0.08),
        "explained_variance": 0.01 * update,
        "seconds": np.full(updates, 0.5),
        "validation_score": score,
        "validation_sharpe": [value and value / 4 for value in score],
        "validation_max_drawdown": [value and 0.04 for value in score],
        "best": update == kept,
    }
    return pl.DataFrame(columns)


def episodes(symbols: int = 3, bars: int = 200, drift: float = 1e-3) -> pl.DataFrame:
    """Accounts of symbols; the first one loses what the last one gains."""
    draw = Rng(3).child("episodes").numpy()
    parts = []
    for number in range(symbols):
        growth = drift * (2 * number / max(1, symbols - 1) - 1) + 1e-3 * draw.standard_normal(bars)
        names = pl.Series("symbol", [f"SYN{number}"] * bars)
        parts.append(pl.DataFrame([runs.moments(0, bars), names, pl.Series("equity", np.exp(np.cumsum(growth)))]))
    return pl.concat(parts)


def agent_run(weighted: bool = True) -> RunData:
    """A run whose model is an agent: positions said as probabilities, history by update, accounts on validation."""
    made = runs.run(bars=600)
    side = pl.Series("probability", Rng(4).child("side").numpy().choice([0.25, 0.5, 0.75], len(made.predictions)))
    config = made.config_yaml + (WEIGHTED if weighted else "")
    said = made.predictions.with_columns(side)
    return replace(made, history=history(), episodes=episodes(), predictions=said, config_yaml=config)
