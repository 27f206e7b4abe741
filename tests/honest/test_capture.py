"""Templates learn what can be learned from known-truth markets, with the settings that they ship with.

Capture = (soft AUC of the model - 0.5) / (that of the true probabilities - 0.5) on the hold-out's validation samples,
the sealed span closed. `benchmarks/capture.py` prints the table of three seeds; the floors here are what every seed has
to reach. Upper bounds say that a weight a number cannot learn what takes two (`nonlinear`) or an order (`temporal`).
"""

from pathlib import Path

import pytest

from edgeproof.core.progress import silent
from edgeproof.data.synthetic import make_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.learn import learn, proven_folds
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.templates import template_body
from edgeproof.truth.figures import oracle_figures

BARS = 20_000


def captured(place: Path, kind: str, strength: float, template: str, *, seed: int = 1, symbols: int = 8) -> float:
    """Share of the oracle's soft AUC above 0.5 that a template's forecasts of validation have."""
    market = make_market(kind, place / "market", symbols=symbols, bars=BARS, seed=seed, strength=strength)
    config = load_run_config(template_body(f"{template}_baseline"), [f"seed={seed}"])
    ledger = Ledger(place)
    span = open_bars(config, market, ledger)
    prepared = prepare(config, market, span)
    (fold,) = proven_folds(config, prepared)
    learned = learn(config, prepared, ledger, fold, market=span.market, folder=place / "kept", write=silent)
    assert prepared.stated is not None
    truth = prepared.stated.p_up.reshape(-1)[fold.validation]
    share = oracle_figures(truth, learned.forecast.probability.reshape(-1)[fold.validation]).auc_share
    assert share is not None
    return share


def test_logistic_learns_a_linear_edge(tmp_path: Path) -> None:
    """A second witness for the floor: OLS on the same 553 numbers reaches 0.88, ridge 0.91 (no early stopping)."""
    assert captured(tmp_path, "linear", 0.15, "logistic") >= 0.88


@pytest.mark.study
def test_mlp_learns_an_interaction_that_logistic_does_not(tmp_path: Path) -> None:
    assert captured(tmp_path / "mlp", "nonlinear", 0.17, "mlp") >= 0.87
    assert captured(tmp_path / "logistic", "nonlinear", 0.17, "logistic") <= 0.50


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_other_seeds_do_as_well(tmp_path: Path, seed: int) -> None:
    assert captured(tmp_path / "linear", "linear", 0.15, "logistic", seed=seed) >= 0.88
    assert captured(tmp_path / "nonlinear", "nonlinear", 0.17, "mlp", seed=seed) >= 0.87


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mlp_learns_an_order_that_logistic_does_not(tmp_path: Path, seed: int) -> None:
    assert captured(tmp_path / "mlp", "temporal", 0.20, "mlp", seed=seed) >= 0.88
    assert captured(tmp_path / "logistic", "temporal", 0.20, "logistic", seed=seed) <= 0.50


@pytest.mark.slow
def test_gru_learns_an_order(tmp_path: Path) -> None:
    assert captured(tmp_path, "temporal", 0.20, "gru") >= 0.80


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "strength", "template", "least"),
    [("linear", 0.15, "logistic", 0.93), ("linear", 0.20, "logistic", 0.95), ("nonlinear", 0.17, "mlp", 0.93)],
)
def test_more_bars_bring_more_of_it(tmp_path: Path, kind: str, strength: float, template: str, least: float) -> None:
    assert captured(tmp_path, kind, strength, template, symbols=32) >= least
