import json
import shutil
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

import edgeproof as ep
from edgeproof.core.errors import ConfigError, DataError
from edgeproof.core.progress import silent
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.campaign import campaign
from edgeproof.recipe.run import Run
from edgeproof.recipe.templates import template_body

SMALL = ["train.epochs=8", "policy.thetas=5"]
WEAK = template_body("logistic_baseline") | {"train": {"lr": 1e-6, "epochs": 2, "batch_size": 1024}}


def run_once(out, market, configs=("logistic_baseline", WEAK), *, seeds=2):
    return campaign(list(configs), market, out=out, overrides=SMALL, write=silent, seeds=seeds)


def planted_market(folder):
    return ep.make_market("linear", folder / "planted", symbols=4, bars=3000, seed=3, strength=0.3)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return planted_market(tmp_path_factory.mktemp("campaign"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Its folder, itself, and the trainings that it left on record, in a workspace that no other test counts in."""
    workspace = tmp_path_factory.mktemp("finished")
    out = workspace / "out" / "campaign"
    done = run_once(out, planted_market(workspace))
    return out, done, len(Ledger(workspace).rows("training"))


def test_a_model_that_has_learned_forecasts_better_than_one_that_has_not(finished):
    out, found, _ = finished
    learned, weak = found.body["configs"]
    assert learned["name"] == "logistic_baseline"
    assert weak["difference"]["log_loss"]["high"] < 0.0  # its loss is larger, on every seed's mean
    assert learned["log_loss"] < weak["log_loss"]
    assert "difference" not in learned
    assert json.loads((out / "campaign.json").read_text()) == found.body


def test_a_difference_is_that_of_the_runs_own_tracks(finished):
    out, found, _ = finished
    name = found.body["configs"][1]["name"]

    def mean_net(config):
        tables = [pl.read_parquet(out / "runs" / f"{config}-{seed}" / "track.parquet") for seed in (0, 1)]
        return np.mean([table["net_return"].to_numpy() for table in tables], axis=0)

    difference = mean_net(name) - mean_net("logistic_baseline")
    assert found.body["configs"][1]["difference"]["net"]["mean"] == pytest.approx(difference.mean(), rel=1e-12)
    assert found.body["bars"] == len(difference)


def test_the_page_says_what_the_data_says(finished):
    out, found, _ = finished
    page = (out / "report.html").read_text(encoding="utf-8")
    assert len(page.encode()) < 2_000_000
    assert f"{found.body['trials']:,} trials counted" in page
    assert "no edge" in page


def test_one_pair_has_one_p_value_and_page_and_lines_say_the_same(finished):
    out, found, _ = finished
    net = found.body["configs"][1]["difference"]["net"]
    assert found.body["superior"] is None
    assert net["p_holm"] == net["p"]
    told = net["p"] < 0.05
    assert any("not told apart" in line for line in found.lines()) is not told
    page = (out / "report.html").read_text(encoding="utf-8")
    assert ("not told apart" in page) is not told


def test_every_training_of_every_seed_is_counted(finished):
    _, found, trainings = finished
    assert trainings == 4
    assert found.body["trials"] >= 4 * 5


def test_stopped_and_called_again_it_ends_the_same(finished, planted, tmp_path):
    _, whole, _ = finished
    again = tmp_path / "again"
    run_once(again, planted)
    (again / "campaign.json").unlink()
    (again / "runs" / "logistic-1" / "verdict.json").unlink()
    other = run_once(again, planted).body
    for row, first in zip(other["configs"], whole.body["configs"], strict=True):
        assert {key: row[key] for key in ("sharpe_by_seed", "auc", "log_loss")} == {
            key: first[key] for key in ("sharpe_by_seed", "auc", "log_loss")
        }
    assert other["superior"] == whole.body["superior"]


def test_unequal_data_or_budget_is_refused_in_one_line(planted, tmp_path):
    with pytest.raises(ConfigError, match=r"differ in decide_every: not equal data; .*decide_every="):
        run_once(tmp_path / "a", planted, ("logistic_baseline", WEAK | {"decide_every": 2}))
    with pytest.raises(ConfigError, match=r"not an equal budget; .*train.epochs=8"):
        campaign(["logistic_baseline", "mlp_baseline"], planted, out=tmp_path / "b", write=silent)
    with pytest.raises(ConfigError, match="at least two configs"):
        run_once(tmp_path / "c", planted, ("logistic_baseline",))
    with pytest.raises(ConfigError, match="seeds: 0"):
        run_once(tmp_path / "d", planted, seeds=0)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_another_campaign_is_refused(finished, planted):
    out, _, _ = finished
    with pytest.raises(DataError, match="a campaign of another seeds"):
        run_once(out, planted, seeds=3)


def test_every_config_has_a_row_whatever_its_file_is_called(planted, tmp_path):
    named = [tmp_path / "a-2.yaml", tmp_path / "a.yaml", tmp_path / "more" / "a.yaml"]
    named[2].parent.mkdir()
    for place in named:
        place.write_text(yaml.safe_dump(WEAK))
    body = campaign(named, planted, out=tmp_path / "c", overrides=["policy.thetas=2"], seeds=1, write=silent).body
    assert [row["name"] for row in body["configs"]] == ["a-2", "a", "a-3"]


def test_tracking_is_no_part_of_what_a_campaign_is(finished, tmp_path):
    out, found, _ = finished
    market = ep.open_market(out.parent.parent / "planted")
    out = shutil.copytree(out, tmp_path / "campaign")  # going on writes it anew, with what others count by then
    overrides = [*SMALL, "tracking=jsonl"]
    again = campaign(["logistic_baseline", WEAK], market, out=out, overrides=overrides, write=silent, seeds=2)
    assert again.body["configs"] == found.body["configs"]


def test_the_command_says_what_it_found(edgeproof, planted, tmp_path):
    words = ("logistic_baseline", "logistic_baseline", "policy.thetas=5", "train.epochs=1")
    answer = edgeproof("campaign", *words, "--market", planted.path, "--out", tmp_path / "c", "--seeds", 1)
    assert answer.status == 0
    assert "logistic_baseline-2 and logistic_baseline earned the same on every bar" in answer.out
    assert isinstance(Run(tmp_path / "c" / "runs" / "logistic_baseline-0", {}).track, pl.DataFrame)
    missing = edgeproof("campaign", "logistic_baseline", "mpl_baseline", "--market", planted.path)
    assert missing.status == 2
    assert "mpl_baseline" in missing.err


def test_agents_are_compared_by_money_and_their_budget_is_steps(planted, tmp_path):
    small: dict[str, Any] = {"total_steps": 4096, "accounts": 32, "steps": 64, "minibatch": 1024}
    small |= {"net": {"actor": [8], "critic": [8]}}
    shared = {"features": ["close_location", "body_share"], "environment": {"episode_bars": 128}}

    def agent(**more: float) -> dict[str, Any]:
        body: dict[str, Any] = template_body("rl_training")
        return body | shared | {"agent": body["agent"] | small | more}

    body, other, longer = agent(), agent(lr=1e-3), agent(total_steps=8192)
    found = campaign([body, other], planted, out=tmp_path / "agents", seeds=1, workspace=tmp_path, write=silent)
    first, second = found.body["configs"]
    assert [row["model"] for row in (first, second)] == ["ppo", "ppo"]
    assert first["log_loss"] is None
    assert second["difference"]["net"]["mean"] is not None
    assert second["difference"]["log_loss"]["mean"] is None
    assert "an agent gives no probabilities to score" in (tmp_path / "agents" / "report.html").read_text()
    with pytest.raises(ConfigError, match=r"ppo-2 trains 8192 steps and ppo 4096: .* agent.total_steps=4096"):
        campaign([body, longer], planted, out=tmp_path / "longer", seeds=1, workspace=tmp_path, write=silent)
