"""Bad input to `edgeproof rl` ends in one clear line and exit status 2, before anything is trained."""

import numpy as np
import polars as pl
import pytest
import torch
import yaml

from edgeproof.recipe.templates import template_body
from tests.story.test_bad_input import refused

QUICK = ("agent.total_steps=4096", "agent.accounts=64", "agent.steps=16", "agent.minibatch=256", "gates.profile=none")

NOTHING = "{name: weighted, direction: 0, magnitude: 0, pnl: 0, exits: 0, exploration: 0, drawdown: 0}"


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "agent.yaml"
    path.write_text(yaml.safe_dump(template_body("rl_training")))
    return path


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("environment.episode_bars=90000", ["an episode of 90000 steps reads 90001 bars", "write episode_bars"]),
        ("window=3000", ["bars"]),
        ("agent.accounts=0", ["accounts", "greater than or equal to 1"]),
        ("agent.lr=nan", ["lr", "finite"]),
        ("agent.clip=inf", ["clip", "finite"]),
        ("agent.gama=0.9", ["unknown key 'gama'", "did you mean 'gamma'"]),
        ("agent.net.aktor=[3]", ["unknown key 'aktor'", "actor"]),
        ("environment.reward.scal=2", ["unknown key 'scal'", "scale"]),
        ("environment.reward=log_grow", ["unknown reward 'log_grow'", "log_growth"]),
        ("agent.ent_coef=0", ["unknown key 'ent_coef' in agent", "did you mean 'agent.entropy'"]),
        (
            "agent.encoder.folds=6",
            ["agent.encoder is none, which has no folds; set agent.encoder={name: frozen, folds"],
        ),
        ("agent.encoder=frozen", ["model logistic has no encoder that learns", "agent.encoder.anchors=0"]),
        ("environment.assets=x", ["environment.assets: ", "valid integer", "'x'"]),
        ("environment.assets=0", ["environment.assets: ", "greater than or equal to 1"]),
        (f"environment.reward={NOTHING}", ["environment.reward", "all weights are 0", "direction, magnitude, pnl"]),
        ("agent.device=tpu", ["agent.device=tpu: no such device; use cpu, cuda (or cuda:0 and so on) or auto"]),
        ("agent=dqn9", ["unknown agent 'dqn9'"]),
        ("gates.profile=standard", ["gates.profile", "set gates.profile=quick"]),
    ],
)
def test_what_cannot_be_trained(edgeproof, tiny_market, config, tmp_path, override, words):
    out = ("--market", tiny_market, "--out", tmp_path / "run", "--workspace", tmp_path)
    refused(edgeproof("rl", "train", config, *out, *QUICK, override), *words)
    assert not (tmp_path / "run" / "bundle").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize(
    "verb", [("rl", "train"), ("tune",), ("sweep", "--steps", 10 * 64 * 16)], ids=["train", "tune", "sweep"]
)
def test_a_gpu_that_is_not_there(edgeproof, tiny_market, config, tmp_path, verb):
    out = ("--market", tiny_market, "--out", tmp_path / "run", "--workspace", tmp_path)
    answer = edgeproof(*verb, config, *out, *QUICK, "agent.device=cuda")
    refused(answer, "agent.device=cuda: no CUDA device on this machine; use cpu or auto")


def test_missing_things(edgeproof, tiny_market, config, tmp_path):
    refused(edgeproof("rl", "train", tmp_path / "none.yaml", "--market", tiny_market), "template copy rl_training")
    refused(edgeproof("rl", "train", config, "--market", tmp_path / "none"), "none")
    refused(edgeproof("rl", "probe", tmp_path / "none.yaml"), "none.yaml")
    refused(edgeproof("rl", "evaluate", tmp_path / "none", "--market", tiny_market), "none")
    logistic = tmp_path / "logistic.yaml"
    logistic.write_text(yaml.safe_dump(template_body("logistic_baseline")))
    refused(edgeproof("rl", "train", logistic, "--market", tiny_market), "no agent in it")
    refused(edgeproof("rl", "probe", logistic), "no agent in it")


def test_a_key_written_twice_is_refused(edgeproof, tiny_market, tmp_path):
    (tmp_path / "twice.yaml").write_text("agent:\n  name: ppo\n  gamma: 0.9\n  gamma: 0.8\n")
    answer = edgeproof("rl", "train", tmp_path / "twice.yaml", "--market", tiny_market)
    refused(answer, "twice.yaml", "key 'gamma' is written twice, in lines 3 and 4")


def test_timeframes_without_room_are_refused_before_any_check(edgeproof, tiny_market, config, tmp_path):
    out = ("--market", tiny_market, "--out", tmp_path / "run", "--workspace", tmp_path)
    asked = ("agent.total_steps=65536", *QUICK[1:-1], "agent.curriculum={name: tasks, timeframes: [1, 500]}")
    answer = edgeproof("rl", "train", config, *out, *asked)
    refused(answer, "no episode has room in the timeframe of 500 bars")
    assert "skeleton" not in answer.out + answer.err
    assert not (tmp_path / "run" / "gates.json").exists()


def test_what_does_something_else_than_expected_is_noted_and_not_refused(edgeproof, tiny_market, config, tmp_path):
    out = ("--market", tiny_market, "--out", tmp_path / "run", "--workspace", tmp_path, "--exit-zero")
    answer = edgeproof("rl", "train", config, *out, *QUICK, "agent.total_steps=64", "agent.minibatch=4096")
    assert answer.status == 0, answer.err
    rollout = "a rollout of 64 accounts and 16 steps (1024 samples)"
    assert f"note: agent.minibatch=4096 is more than {rollout}: a gradient step takes all of it\n" in answer.err
    assert f"note: agent.total_steps=64 is less than {rollout}: one whole update is made\n" in answer.err


def test_a_market_too_short_says_what_is_needed(edgeproof, config, tmp_path):
    edgeproof("market", "synth", "--bars", 700, "--symbols", 1, "--out", tmp_path / "short")
    out = ("--market", tmp_path / "short", "--out", tmp_path / "run", "--workspace", tmp_path)
    refused(edgeproof("rl", "train", config, *out, *QUICK), "bars")


def test_masked_bars_that_break_every_window_are_named(edgeproof, tmp_path):
    """Every 7th close is NaN and a window takes 8 bars: more bars of the same kind would not help."""
    clock = np.datetime64("2024-01-01", "us") + np.arange(900) * np.timedelta64(1, "h")
    price = 100.0 + np.sin(np.arange(900))
    close = np.where(np.arange(900) % 7 == 6, np.nan, price)
    bars = pl.DataFrame({"open_time": clock, "open": price, "high": price + 1, "low": price - 1, "close": close})
    bars.with_columns(volume=pl.lit(5.0)).write_csv(tmp_path / "A.csv")
    made = edgeproof("market", "import", tmp_path / "A.csv", "--out", tmp_path / "holed")
    assert made.status == 0, made.err
    body = {"features": ["close_location"], "window": 8, "agent": "ppo", "gates": {"profile": "none"}}
    body["costs"] = {"commission_bps": 4.0, "half_spread_bps": 1.0}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(body))
    answer = edgeproof("rl", "train", tmp_path / "base.yaml", "--market", tmp_path / "holed", "--out", tmp_path / "run")
    refused(answer, "split holdout: 0 of", "windows of 8 bars are whole", "at most 6 bars in a row", "market check")


def test_what_is_not_finite_ends_the_training_in_one_line(edgeproof, tiny_market, config, tmp_path, monkeypatch):
    from edgeproof.rl import env

    right = env.MarketEnv.step

    def spoilt(self, action):
        step = right(self, action)
        step.reward[3] = np.nan
        return step

    monkeypatch.setattr(env.MarketEnv, "step", spoilt)
    out = ("--market", tiny_market, "--out", tmp_path / "run", "--workspace", tmp_path)
    answer = edgeproof("rl", "train", config, *out, *QUICK)
    refused(answer, "update 1, step 0, account 3", "a reward that is not finite", "correct the environment")
    looked = edgeproof("doctor", tmp_path / "run")
    assert looked.status == 1
    assert "1. observations or rewards that are NaN or infinite (data pipeline; seen)" in looked.out
