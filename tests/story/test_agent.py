"""An agent from bars to a verdict: trained, counted, bundled, resumed, judged, traded again from its bundle alone."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import edgeproof as ep
from edgeproof.core.errors import ConfigError
from edgeproof.core.progress import silent
from edgeproof.ledger.store import Ledger
from edgeproof.recipe import agent
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.templates import template_body

SMALL = [
    "features=[close_location,body_share]",
    "agent.total_steps=65536",
    "agent.accounts=128",
    "agent.steps=64",
    "agent.minibatch=2048",
    "agent.lr=6e-3",
    "agent.gamma=0.9",
    "agent.net.actor=[16]",
    "agent.net.critic=[16]",
    "agent.save_seconds=0",
    "environment.episode_bars=128",
]
TINY = [
    "agent.total_steps=8192",
    "agent.accounts=32",
    "gates.profile=none",
]  # four updates, to be counted, not to learn


def train(market, out, *more, **options):
    return ep.run(template_body("rl_training"), market, out=out, overrides=[*SMALL, *more], write=silent, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workspace = tmp_path_factory.mktemp("agent")
    market = ep.make_market("linear", workspace / "m", symbols=4, bars=4000, seed=5, strength=0.3)
    return train(market, workspace / "run"), market


def test_an_agent_finds_a_strong_edge_after_costs_and_beats_chance(finished):
    run, _ = finished
    assert run.verdict["net"]["sharpe"] > 5.0  # the best policy after costs is far above
    assert run.verdict["verdict"] == "inconclusive"  # its seal is closed
    assert run.verdict["oracle"]["model_auc"] > 0.53  # its positions rank the next bars, though it saw no label


def test_it_is_one_training_and_one_trial_with_returns(finished):
    run, _ = finished
    rows = Ledger(run.ledger.parent.parent).rows("training")
    assert len(rows) == 1
    assert "ppo" in json.dumps(rows[0].body)
    assert run.verdict["trials"] == 1


def test_every_update_is_a_row_and_the_kept_one_was_best_on_validation(finished):
    run, _ = finished
    history = run.history
    assert history["epoch"].to_list() == list(range(1, 9))
    assert {"policy_loss", "value_loss", "entropy", "kl", "clip_share", "explained_variance"} <= set(history.columns)
    judged = history.filter(pl.col("validation_score").is_not_null())
    assert judged.filter("best")["validation_score"].item() == judged["validation_score"].max()


def test_positions_are_those_of_the_bundle_on_its_own(finished, tmp_path):
    """The sealed span is traded from the bundle's weights alone; here its open validation bars are."""
    run, market = finished
    again = ep.run(
        template_body("rl_training"),
        market,
        out=run.folder,
        overrides=SMALL,
        write=silent,
        workspace=market.path.parent,
    )
    assert again.verdict["net"]["sharpe"] == run.verdict["net"]["sharpe"]
    assert np.isin(run.predictions["probability"].round(6).to_numpy(), [0.25, 0.5, 0.75]).all()


def test_its_page_shows_what_it_learned_and_did_and_the_accounts_that_chose_it(finished):
    run, _ = finished
    page = run.report().read_text(encoding="utf-8")
    for words in ("Net growth on validation", "Equity of the validation episodes", "Actions", "Exposure", "Regimes"):
        assert words in page
    episodes, kept = run.episodes, run.history.filter("best")
    growth = episodes.group_by("symbol").agg(pl.col("net_growth").mean())["net_growth"].mean()
    assert growth * 1e4 == pytest.approx(kept["validation_score"].item(), rel=1e-4)
    logged = {"sharpe", "profit_factor", "consistency", "skew", "max_drawdown"}
    assert {f"validation_{name}" for name in logged} <= set(kept.columns)


def test_the_same_seed_gives_the_same_bundle(finished, tmp_path):
    _, market = finished
    sha = []
    for number in range(2):
        run = train(market, tmp_path / f"{number}", *TINY, workspace=tmp_path / f"w{number}", beside=False)
        sha.append(json.loads((run.folder / "bundle" / "bundle.json").read_text())["weights_sha256"])
    assert sha[0] == sha[1]


def test_the_parts_of_a_weighted_reward_are_told_and_its_bonus_for_trying_ends_at_half_of_the_run(finished, tmp_path):
    _, market = finished
    run = train(market, tmp_path / "run", *TINY, "environment.reward=weighted", workspace=tmp_path, beside=False)
    assert {"direction", "magnitude", "pnl", "exits", "exploration", "drawdown"} <= set(run.history.columns)
    first, second, *rest = run.history["exploration"].to_list()
    assert first > second > 0.0
    assert rest == [0.0, 0.0]
    assert "Parts of the reward" in run.report().read_text(encoding="utf-8")


def test_a_training_counts_whatever_the_label_says(finished, tmp_path):
    """A label that is nearly never true stops a model's training, and not an agent's, which is scored all the same."""
    label = "label={name: forward_return, threshold_bps: 9000}"
    train(finished[1], tmp_path / "rare", *TINY, label, workspace=tmp_path, beside=False)
    assert len(Ledger(tmp_path).rows("training")) == 1


def test_the_book_of_one_symbol_earns_what_the_agent_s_account_earned(tmp_path):
    """Bar by bar, the last one too: the backtest follows the account, with brackets, borrow and rebalancing."""
    market = ep.make_market("linear", tmp_path / "m", symbols=1, bars=1500, seed=5, strength=0.4)
    rules = ["account.stop_loss=0.01", "account.take_profit=0.02", "costs.borrow_bps_per_bar=3"]
    run = train(market, tmp_path / "run", *TINY, *rules, "account.rebalance=always", "keep=median", beside=False)
    account, book = (pl.read_parquet(run.folder / f"{name}.parquet") for name in ("episodes", "track"))
    both = account.join(book, on="close_time")
    assert len(both) == len(account) > 200
    assert both["position"].n_unique() == 3
    np.testing.assert_allclose(np.log1p(both["net_return"].to_numpy()), both["net_growth"].to_numpy(), atol=1e-7)


def test_a_training_that_went_on_on_another_device_is_a_warning(finished, tmp_path, monkeypatch):
    learn = agent.train_ppo
    moved = ("cuda", "cpu")
    monkeypatch.setattr(agent, "train_ppo", lambda *args, **named: replace(learn(*args, **named), devices=moved))
    run = train(finished[1], tmp_path / "run", *TINY, "agent.device=auto", workspace=tmp_path, beside=False)
    (told,) = [one for one in RunFolder(run.folder).findings() if one.check == "train.resume"]
    assert (told.level, "cuda, then cpu" in told.claim) == ("warning", True)


def test_members_of_a_population_are_each_a_trial(finished, tmp_path):
    _, market = finished
    starts = "combine={name: multi_start, seeds: 2}"
    run = train(market, tmp_path / "several", *TINY, starts, workspace=tmp_path, beside=False)
    assert len(Ledger(tmp_path).rows("training")) == 3  # two members, and the run that stands for the kept one
    facts = json.loads((run.folder / "bundle" / "bundle.json").read_text())["lineage"]["combine"]
    assert [row["label"] for row in facts["trainings"]] == ["start 1/2", "start 2/2"]
    assert facts["kept"] in ("start 1/2", "start 2/2")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("policy=threshold", "set policy=follow"),
        ("decide_every=2", "decides at every bar"),
        ("split=cpcv", "one unbroken span"),
        ("combine=ensemble", "single or as multi_start"),
        ("environment.sizes=[2.0]", "at most 1"),
        ("agent=none", "choose another policy"),
        ("agent.gama=0.9", "did you mean 'gamma'"),
    ],
)
def test_what_an_agent_has_no_use_for_is_refused_in_one_line(override, said):
    with pytest.raises(ConfigError, match=said):
        load_run_config(template_body("rl_training"), [override])


def test_the_command_trains_and_evaluates(edgeproof, finished, tmp_path):
    run, market = finished
    answer = edgeproof(
        "rl", "evaluate", run.folder, "--market", market.path, "--json", "--workspace", market.path.parent
    )
    assert answer.status == 0, answer.err
    assert json.loads(answer.out)["net"]["sharpe"] == pytest.approx(run.verdict["net"]["sharpe"])
    refused = edgeproof("rl", "train", "logistic_baseline.yaml", "--market", market.path)
    assert refused.status == 2
