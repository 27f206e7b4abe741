"""The fold loop: each fold chooses on its own validation, and nothing after its test moves it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edgeproof as ep
from edgeproof.core.clock import iso
from edgeproof.core.container import read_container
from edgeproof.core.rng import Rng
from edgeproof.data.store import Market
from edgeproof.features.table import build_features
from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.trials import trials_of
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.folds import learn_folds, paths_body, paths_table
from edgeproof.recipe.learn import proven_folds
from edgeproof.recipe.prepare import Prepared, open_bars, prepare
from edgeproof.recipe.templates import template_body
from edgeproof.stats.performance import performance

WALK = {"name": "walk_forward", "train": 480, "validation": 160, "test": 200, "step": 200}
YEAR = 8760.0


def settings(split: dict) -> RunConfig:
    body = template_body("logistic_baseline") | {"split": split, "features": ["log_return_1", "log_return_3", "rsi_14"]}
    body["train"] |= {"epochs": 2}
    return load_run_config(body)


@pytest.fixture(scope="module")
def market(tmp_path_factory) -> Market:
    return ep.make_market("linear", tmp_path_factory.mktemp("folds") / "m", symbols=2, bars=2400, seed=3, strength=0.3)


def ready(config: RunConfig, market: Market, folder: Path) -> tuple[Prepared, Ledger, Span]:
    ledger = Ledger(folder)
    span = open_bars(config, market, ledger)
    return prepare(config, market, span), ledger, span


def learned(config: RunConfig, prepared: Prepared, ledger: Ledger, span: Span, folder: Path):
    lines: list[str] = []
    last, runs = learn_folds(
        config, prepared, ledger, market=span.market, bars_per_year=YEAR, folder=folder, write=lines.append
    )
    return last, runs, lines


def test_every_fold_is_a_training_with_its_thresholds_and_its_own_preprocessor(market, tmp_path):
    config = settings(WALK)
    prepared, ledger, span = ready(config, market, tmp_path)
    last, runs, lines = learned(config, prepared, ledger, span, tmp_path / "checkpoints")
    assert len(runs) == 5
    kinds = [row.kind for row in ledger.rows()]
    assert kinds.count("training") == 5
    assert kinds.count("trial") == sum(len(run.choice.thetas) for run in runs)
    assert trials_of(ledger, market.fingerprints()).count == kinds.count("trial")
    assert len({run.facts["data"] for run in runs}) == len({run.best for run in runs}) == 5
    means = []
    for number, run in enumerate(runs):
        folder = tmp_path / "checkpoints" / f"fold-{number:02d}"
        arrays, header, _ = read_container(folder / "preprocessor.safetensors")
        rows = prepared.table.x.reshape(-1, 3)[run.fold.train]
        np.testing.assert_allclose(arrays["mean"], rows.mean(axis=0), rtol=1e-5, atol=1e-7)
        assert header["data"] == run.facts["data"]
        assert (folder / "last.safetensors").is_file()
        means.append(arrays["mean"].tobytes())
    assert len(set(means)) == 5
    assert last.trained.sha == runs[-1].facts["model"]
    assert lines[0].startswith("  fold 1/5 epoch 1/2")
    assert any(line.startswith("one fold takes") for line in lines)


def test_facts_and_paths_say_what_was_traded(market, tmp_path):
    config = settings(WALK)
    prepared, ledger, span = ready(config, market, tmp_path)
    _, runs, _ = learned(config, prepared, ledger, span, tmp_path / "checkpoints")
    close = prepared.panel.close_time
    body, table = paths_body(runs, bars_per_year=YEAR, rng=Rng(0)), paths_table(runs, close)
    assert body is not None
    assert body["paths"][0]["bars"] == len(table) == 1000
    net = table["net_return"].to_numpy()
    assert body["paths"][0]["sharpe"] == performance(net, bars_per_year=YEAR)["sharpe"]
    assert table["equity"].to_numpy()[-1] == pytest.approx(1 + body["paths"][0]["total_return"])
    for run, row in zip(runs, body["folds"], strict=True):
        start, stop = run.fold.test_bars[0]
        assert row["test"] == [{"start": iso(int(close[start])), "end": iso(int(close[stop - 1])), "bars": 200}]
        assert row["samples"]["train"] == len(run.fold.train)
        part = net[table["fold"].to_numpy() == run.fold.number]
        assert row["sharpe"] == performance(part, bars_per_year=YEAR)["sharpe"]
        assert part[0] == 0.0  # flat at the first bar of a block
        grown = run.choice.growth[run.choice.place]
        assert (row["theta"] is None) == (grown <= 0)


def test_bars_after_a_folds_test_move_nothing_of_it(market, tmp_path):
    config = settings(WALK)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    prepared, ledger, span = ready(config, market, tmp_path / "a")
    _, was, _ = learned(config, prepared, ledger, span, tmp_path / "a" / "checkpoints")
    after = was[1].fold.test_bars[0][1] + 2  # the last label of the block resolves two bars after its decision
    panel = prepared.panel
    prices = panel.prices.copy()
    noise = np.random.default_rng(0).standard_normal(prices[:, after:, :1].shape)
    prices[:, after:, :4] *= np.exp(0.02 * np.cumsum(noise, axis=1))
    changed = replace(panel, prices=prices)
    moved = replace(
        prepared,
        panel=changed,
        table=build_features(changed, config.features, max_gap_bars=config.quality.max_gap_bars),
        labels=config.label.label(changed, prepared.decide),  # pyright: ignore[reportAttributeAccessIssue]
    )
    _, other, span = ready(config, market, tmp_path / "b")
    _, now, _ = learned(config, moved, other, span, tmp_path / "b" / "checkpoints")
    for old, new in zip(was[:2], now[:2], strict=True):
        # the hash of the data is over the whole table; everything that a reader sees of the fold is equal
        hashes = {"data", "trial"}
        assert {k: v for k, v in old.facts.items() if k not in hashes} == {
            k: v for k, v in new.facts.items() if k not in hashes
        }
        assert old.choice.returns.tobytes() == new.choice.returns.tobytes()
        assert [block.net.tobytes() for block in old.blocks] == [block.net.tobytes() for block in new.blocks]
    assert was[2].facts["model"] == now[2].facts["model"]
    assert was[2].facts["auc"] != now[2].facts["auc"]  # its test begins where the bars change
    assert was[-1].facts["model"] != now[-1].facts["model"]


@pytest.mark.parametrize("split", [{"name": "kfold", "n_folds": 3}, {"name": "cpcv", "n_groups": 4}, WALK])
def test_the_folds_of_a_run_prove_themselves_and_know_their_clock(market, tmp_path, split):
    config = settings(split)
    prepared, _, _ = ready(config, market, tmp_path)
    folds = proven_folds(config, prepared)
    assert [fold.number for fold in folds] == list(range(len(folds)))
    assert all(fold.test_bars and fold.validation_bars for fold in folds)
    by_time = settings(WALK | {"train": "20d", "validation": "160h", "test": "200h", "step": "200h"})
    if split is WALK:
        again = proven_folds(by_time, prepared)
        assert [fold.train.tolist() for fold in again] == [fold.train.tolist() for fold in folds]
