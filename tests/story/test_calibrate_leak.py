"""Calibration catches a leak that no check of ours knows, and says nothing of the same pipeline without it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import edgeproof as ep
from edgeproof.core.progress import silent
from edgeproof.features import FEATURES, Rows
from edgeproof.recipe.calibrate import Calibration, calibrate
from edgeproof.recipe.templates import template_body

SURROGATES = 4  # two claims flag: a true rate of 5% makes that many in 1.4% of cases


def next_return(rows: Rows) -> np.ndarray:
    """The return of the bar after: what a join that is off by one bar brings in."""
    return np.append(rows.log_return[1:], 0.0)


def calibrated(folder, market, features: list[str]) -> Calibration:
    body: dict[str, Any] = template_body("logistic_baseline") | {
        "features": features, "window": 2, "keep": "median",
        "costs": {"commission_bps": 0, "half_spread_bps": 0},
    }  # fmt: skip
    return calibrate(body, market, out=folder, surrogates=SURROGATES, overrides=["train.epochs=3"], write=silent)


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    # 4,000 open bars leave a surrogate 800 sealed ones, 33 days: on fewer than 30 nothing can be claimed
    return ep.make_market("noise", tmp_path_factory.mktemp("leak") / "market", symbols=4, bars=5000, seed=11)


def test_a_leak_that_no_check_knows_is_flagged(market, tmp_path, monkeypatch):
    leak = replace(FEATURES["log_return_1"], name="tomorrow", function=next_return, version="")
    monkeypatch.setitem(FEATURES, "tomorrow", leak)
    monkeypatch.setattr("edgeproof.recipe.walk_data.audit_features", lambda *_: [])
    found = calibrated(tmp_path / "leaky", market, ["log_return_1", "log_volatility_24", "tomorrow"])
    assert found.flagged
    assert found.claims == found.most_by_chance + 1 == found.done
    assert "FLAGGED" in " ".join(found.lines())


def test_the_same_pipeline_without_it_is_not(market, tmp_path):
    found = calibrated(tmp_path / "clean", market, ["log_return_1", "log_volatility_24"])
    assert found.flagged is False
    assert (found.claims, found.idle) == (0, 0)
