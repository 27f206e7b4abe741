"""A campaign and a sweep as their commands would have written them, for tests of their pages."""

from typing import Any

import numpy as np

__all__ = ["campaign", "swept"]


def campaign() -> dict[str, Any]:
    """Three configs of two seeds; the last one earned the same as the first on every bar."""
    gain = {"mean": 2e-5, "low": -1e-5, "high": 5e-5, "p": 0.2, "p_holm": 0.2, "block_bars": 3.0, "bars": 800}
    equal = {"mean": 0.0, "low": None, "high": None, "p": None, "p_holm": None, "block_bars": None, "bars": 800}
    names = ("logistic_baseline", "a config whose name is far too long for a phone", "logistic_baseline-2")
    rows = [
        {
            "name": name,
            "model": "logistic",
            "epochs": 8,
            "seeds": [f"{name}-0", f"{name}-1"],
            "answers": {"no_edge": 2},
            "sharpe": 0.4,
            "sharpe_by_seed": [0.3, 0.5],
            "sharpe_sd": 0.14,
            "auc": 0.52,
            "log_loss": 0.692,
            "log_loss_sd": 0.0004,
            "seconds": 3.5,
        }
        for name in names
    ]
    for row, found in zip(rows[1:], (gain, equal), strict=True):
        row["difference"] = {"net": found, "log_loss": found}
    curve = np.linspace(1.0, 1.1, 400).tolist()
    return {
        "configs": rows,
        "seeds": ["0", "1"],
        "span": "validation",
        "bars": 800,
        "annualisation": 8766.0,
        "superior": 0.2,
        "curves": dict.fromkeys(names, curve),
        "trials": 120,
    }


def swept() -> dict[str, Any]:
    """Five rates, the largest of which failed."""
    values = (0.6931, 0.692, 0.68, 0.69, None)
    points = [{"rate": 10.0 ** (k - 5), "value": value, "trial": "0" * 64} for k, value in enumerate(values)]
    points[-1] |= {"why": "the loss is not finite"}
    return {
        "model": "logistic",
        "metric": "log_loss",
        "epochs": 2,
        "points": points,
        "nothing": 0.6931,
        "best": 1e-3,
        "suggested": 1e-3,
        "config": "model:\n  name: logistic\n",
    }
