"""An agent that learns in stages: looked at before, trained through all of them, told of in its history, traded."""

import polars as pl
import pytest

import edgeproof as ep
from edgeproof.core.progress import silent
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.templates import template_body

SMALL = [
    "features=[close_location,body_share]",
    "window=8",
    "agent.total_steps=131072",
    "agent.accounts=256",
    "agent.steps=64",
    "agent.minibatch=2048",
    "agent.lr=3e-3",
    "agent.gamma=0.9",
    "agent.net.actor=[16]",
    "agent.net.critic=[16]",
    "environment.episode_bars=128",
    "combine={name: multi_start, seeds: 2}",
]


@pytest.mark.slow
def test_a_run_goes_through_the_stages_and_is_judged_on_the_market_as_it_is(tmp_path):
    market = ep.make_market("linear", tmp_path / "m", symbols=4, bars=2400, seed=5, strength=0.3)
    staged = ep.run(
        template_body("rl_training"),
        market,
        out=tmp_path / "staged",
        overrides=[*SMALL, "agent.curriculum={name: volatility, promotion: 1000000}"],
        write=silent,
    )
    history = pl.read_parquet(staged.folder / "history.parquet")
    assert history["stage"].to_list() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert staged.verdict["net"]["sharpe"] > 5.0
    assert staged.verdict["trials"] >= 2
    plain = ep.run(
        template_body("rl_training"),
        market,
        out=tmp_path / "plain",
        overrides=[*SMALL, "gates.profile=none"],
        write=silent,
    )
    assert "stage" not in pl.read_parquet(plain.folder / "history.parquet").columns
    times = [pl.read_parquet(one.folder / "predictions.parquet")["close_time"].to_list() for one in (staged, plain)]
    assert times[0] == times[1]
    assert len(Ledger(tmp_path).rows("training")) >= 4  # two members of each
