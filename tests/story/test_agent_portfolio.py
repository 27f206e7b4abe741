"""One account of all symbols from bars to a verdict: trained, followed, judged, sealed bars opened, traded again."""

import json

import numpy as np
import polars as pl
import pytest

import edgeproof as ep
from edgeproof.core.errors import BundleError
from edgeproof.core.progress import silent
from edgeproof.recipe.evaluate import evaluate_bundle
from edgeproof.recipe.templates import template_body
from edgeproof.train.bundle import read_bundle

SYMBOLS = 4
SMALL = [
    "features=[close_location,body_share]",
    "window=2",
    "agent.total_steps=49152",
    "agent.accounts=128",
    "agent.steps=64",
    "agent.minibatch=2048",
    "agent.lr=6e-3",
    "agent.gamma=0.9",
    "agent.net.actor=[16]",
    "agent.net.critic=[16]",
    "agent.net.log_std=-1.0",
    "environment.episode_bars=128",
    "environment.actions=continuous",
    f"environment.assets={SYMBOLS}",
    "gates.profile=none",
]
TINY = ["agent.total_steps=8192", "agent.accounts=32"]


def train(market, out, *more, **options):
    return ep.run(template_body("rl_training"), market, out=out, overrides=[*SMALL, *more], write=silent, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workspace = tmp_path_factory.mktemp("portfolio")
    market = ep.make_market("linear", workspace / "m", symbols=SYMBOLS, bars=2000, seed=5, strength=0.4)
    return train(market, workspace / "run", open_sealed=True, beside=False), market


def test_it_finds_a_strong_edge_and_keeps_it_on_sealed_bars(finished):
    run, _ = finished
    assert run.verdict["validation"]["net"]["sharpe"] > 5.0
    assert run.verdict["sealed"]["net"]["sharpe"] > 5.0
    assert run.verdict["trials"] == 1


def test_the_book_earns_what_the_account_earned(finished):
    run, _ = finished
    account, book = (pl.read_parquet(run.folder / f"{name}.parquet") for name in ("episodes", "track"))
    assert account["symbol"].unique().to_list() == ["S00 to S03"]
    both = account.join(book.filter(pl.col("span") == "validation"), on="close_time")
    assert len(both) == len(account) > 300
    np.testing.assert_allclose(np.log1p(both["net_return"].to_numpy()), both["net_growth"].to_numpy(), atol=2e-6)
    kept = run.history.filter("best")["validation_score"].item()
    assert account["net_growth"].to_numpy().mean() * 1e4 == pytest.approx(kept, rel=1e-4)
    weights = run.predictions.with_columns(weight=4 * (pl.col("probability") - 0.5))
    gross = weights.group_by("close_time").agg(pl.col("weight").abs().sum())["weight"]
    assert 0.3 < gross.mean() < gross.max() <= 1.0 + 1e-4


def test_its_page_tells_of_one_account(finished):
    run, _ = finished
    page = run.report().read_text(encoding="utf-8")
    for words in ("an account of 4 symbols", "Most of S0", "Exposure", "Equity of the validation episodes"):
        assert words in page
    assert "an account a symbol" not in page


def test_its_bundle_trades_the_market_again_and_no_market_of_other_symbols(finished, edgeproof, tmp_path):
    run, market = finished
    bundle = read_bundle(run.folder)
    assert bundle.model_config.model_dump()["assets"] == SYMBOLS
    answer = edgeproof(
        "rl", "evaluate", run.folder, "--market", market.path, "--json", "--workspace", run.ledger.parent.parent
    )
    assert answer.status == 0, answer.err
    validation = run.verdict["validation"]["net"]["sharpe"]
    assert json.loads(answer.out)["net"]["sharpe"] == pytest.approx(validation)
    three = ep.make_market("linear", tmp_path / "three", symbols=3, bars=2400, seed=7)
    with pytest.raises(
        BundleError, match=r"holds 4 of S00 to S03 \(4 symbols\), the market has S00 to S02 \(3 symbols\)"
    ):
        evaluate_bundle(run.folder, three.path, workspace=tmp_path)
    early = ep.make_market("linear", tmp_path / "early", symbols=3, bars=900, seed=7)  # before the training's end
    with pytest.raises(BundleError, match=r"\(4 symbols\), the market has S00 to S02 \(3 symbols\)"):
        evaluate_bundle(run.folder, early.path, workspace=tmp_path)


def test_a_population_in_stages_over_folds(finished, tmp_path):
    _, market = finished
    more = [
        "environment.assets=2",
        "combine={name: multi_start, seeds: 2}",
        "split={name: walk_forward, train: 700, validation: 200, test: 400, step: 400}",
        "agent.curriculum={name: stages, stages: [{timeframes: [1, 3], share: 0.5, promotion: 1000}, {}]}",
        "environment.episode_bars=64",
    ]
    run = train(market, tmp_path / "run", *TINY, *more, workspace=tmp_path, beside=False)
    assert run.history["stage"].to_list() == [1, 1, 2, 2]
    assert run.episodes["symbol"].unique(maintain_order=True).to_list() == ["S00 to S01", "S02 to S03"]
    assert len(list((run.folder / "checkpoints").glob("fold-*"))) == 2
