"""Barrier labels from config to report: trained, traded, and shown beside trailing volatility."""

import math

import pytest

import edgeproof as ep


@pytest.mark.parametrize("label", ["opportunity", pytest.param("triple_barrier", marks=pytest.mark.slow)])
def test_a_run_learns_a_barrier_label_and_reports_it_beside_volatility(label: str, tmp_path):
    market = ep.make_market("noise", tmp_path / "market", symbols=3, bars=1500, seed=1)
    config = {
        "features": ["log_return_1", "log_range"],  # trailing volatility is none of them
        "label": {"name": label, "horizon_bars": 12},
        "train": {"epochs": 1},
        "costs": {"commission_bps": 4.0},
    }
    done = ep.run(config, market, out=tmp_path / "run", workspace=tmp_path, write=lambda _: None)
    assert done.verdict["verdict"] == "inconclusive"
    scores = done.verdict["validation"]
    assert scores["count"] > 500
    assert 0.1 < scores["base_rate"] < 0.7
    for name in ("auc", "volatility_auc", "auc_within_volatility"):
        assert 0.2 < scores[name] < 0.8
    assert math.isfinite(scores["log_loss"])
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    for words in (
        "AUC of trailing volatility alone",
        "AUC within deciles of trailing volatility",
        "always answering the",
    ):
        assert words in page
