"""An encoder that learned a law on a long market helps on a short one, beside a model that begins from chance."""

from pathlib import Path

import pytest

from edgeproof.core.progress import silent
from edgeproof.data.synthetic import make_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.learn import learn, proven_folds
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.run import run
from edgeproof.recipe.templates import template_body
from edgeproof.recipe.transfer import with_parent
from edgeproof.truth.figures import oracle_figures


@pytest.mark.slow
def test_an_encoder_of_a_long_market_helps_a_short_one(tmp_path: Path) -> None:
    """`temporal`, where the order of bars matters: 8 x 12,000 bars, then 8 x 1,500 of another market; equal epochs."""
    body = template_body("mlp_baseline")
    body["train"] |= {"epochs": 6, "patience": None}
    long = make_market("temporal", tmp_path / "long", symbols=8, bars=12_000, seed=1, strength=0.2)
    parent = run(body, long, out=tmp_path / "parent", workspace=tmp_path, beside=False, write=silent)
    short = make_market("temporal", tmp_path / "short", symbols=8, bars=1500, seed=2, strength=0.2)
    ledger, shares = Ledger(tmp_path), {}
    for name, transfer in (
        ("chance", {}),
        ("free", {"bundle": str(parent.folder)}),
        ("frozen", {"bundle": str(parent.folder), "frozen": True}),
    ):
        config = with_parent(load_run_config(body | {"transfer": transfer}))
        span = open_bars(config, short, ledger)
        prepared = prepare(config, short, span)
        (fold,) = proven_folds(config, prepared)
        learned = learn(config, prepared, ledger, fold, market=span.market, folder=tmp_path / name, write=silent)
        assert prepared.stated is not None
        truth = prepared.stated.p_up.reshape(-1)[fold.validation]
        shares[name] = oracle_figures(truth, learned.forecast.probability.reshape(-1)[fold.validation]).auc_share or 0.0
    assert shares["free"] > shares["chance"] + 0.2, shares
    assert shares["frozen"] > shares["chance"] + 0.2, shares
