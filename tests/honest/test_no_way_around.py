"""Ways around the verdict that were found once and are shut: each was a real one."""

import json
import shutil

import numpy as np
import polars as pl
import pytest

import edgeproof as ep
from edgeproof.core.errors import BundleError, DataError
from edgeproof.data.intake import import_market
from edgeproof.data.store import open_market
from edgeproof.recipe.evaluate import evaluate_bundle
from edgeproof.recipe.run import judge_again
from edgeproof.recipe.templates import template_body


def config(**changes):
    body = template_body("logistic_baseline") | changes
    body["train"] |= {"epochs": 2}
    return body


def silent(_: str) -> None:
    pass


@pytest.fixture
def finished(tmp_path):
    """A run whose seal was opened."""
    market = ep.make_market("linear", tmp_path / "m", symbols=3, bars=3000, seed=5, strength=0.3)
    run = ep.run(config(), market, out=tmp_path / "run", open_sealed=True, write=silent)
    return tmp_path, market, run


def test_costs_cannot_be_edited_out_of_a_finished_run(finished):
    folder, _, _ = finished
    path = folder / "run" / "config.yaml"
    path.write_text(path.read_text().replace("commission_bps: 4.0", "commission_bps: 0.0"))
    with pytest.raises(BundleError, match="not the config of the bundle"):
        judge_again(folder / "run", open_sealed=True)


def test_findings_cannot_be_taken_out_of_a_finished_run(finished):
    folder, _, _ = finished
    (folder / "run" / "findings.json").write_text('[{"check": "x", "level": "info", "claim": "all is well"}]')
    with pytest.raises(BundleError, match="altered after the run"):
        judge_again(folder / "run")


def test_validation_cannot_be_moved_into_training(finished):
    folder, _, run = finished
    path = folder / "run" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"cut": 10}))
    assert judge_again(folder / "run").verdict["validation"]["bars"] == run.verdict["validation"]["bars"]


def test_the_universe_cannot_be_declared_after_the_opening(tmp_path):
    rng = np.random.default_rng(1)
    frames = []
    for symbol in ("A", "B"):
        close = 100 * np.cumprod(1 + 0.01 * rng.standard_normal(2500))
        time = pl.datetime_range(pl.datetime(2022, 1, 1), pl.datetime(2023, 1, 1), "1h", eager=True)[:2500]
        columns = {"open": np.r_[100, close[:-1]], "close": close}
        frame = pl.DataFrame({"time": time, **columns}).with_columns(
            symbol=pl.lit(symbol),
            high=pl.max_horizontal("open", "close") * 1.001,
            low=pl.min_horizontal("open", "close") * 0.999,
            volume=pl.Series(1e3 * (1 + rng.random(2500))),
        )
        frames.append(frame)
    pl.concat(frames).write_csv(tmp_path / "bars.csv")
    import_market(tmp_path / "bars.csv", tmp_path / "survivors")
    import_market(tmp_path / "bars.csv", tmp_path / "fixed", universe="fixed")
    run = ep.run(config(), tmp_path / "survivors", out=tmp_path / "run", open_sealed=True, write=silent)
    assert next(r for r in run.verdict["reasons"] if r["name"] == "survivorship")["passed"] is False
    with pytest.raises(DataError, match="bars or universe differ"):
        judge_again(tmp_path / "run", market=tmp_path / "fixed", open_sealed=True)
    again = ep.run(config(), tmp_path / "fixed", out=tmp_path / "other", open_sealed=True, write=silent)
    assert again.verdict["openings"] == 2
    assert next(r for r in again.verdict["reasons"] if r["name"] == "candidate")["passed"] is False


def test_a_feature_cache_that_sees_the_future_is_not_believed(tmp_path):
    market = ep.make_market("noise", tmp_path / "m", symbols=3, bars=3000, seed=5)
    honest = ep.run(config(), market, out=tmp_path / "a", write=silent)
    table = next((tmp_path / ".edgeproof" / "cache").glob("features-*/x.npy"))
    x = np.load(table)
    table.unlink()
    np.save(table, np.roll(x, -1, axis=1))
    again = ep.run(config(seed=1), market, out=tmp_path / "b", write=silent)
    assert again.verdict["validation"]["auc"] < honest.verdict["validation"]["auc"] + 0.05


def test_what_a_bundles_ledger_sealed_stays_sealed_elsewhere(finished, tmp_path_factory):
    folder, market, _ = finished
    at_home = evaluate_bundle(folder / "run" / "bundle", market.path)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(market.path, elsewhere / "m")
    split = {"name": "holdout", "train": 0.7, "validation": 0.29, "sealed": 0.01}
    ep.run(config(split=split), open_market(elsewhere / "m"), out=elsewhere / "run", write=silent)
    abroad = evaluate_bundle(folder / "run" / "bundle", elsewhere / "m")
    assert abroad["end"] == at_home["end"]


def test_an_opened_span_never_reaches_into_training(finished, tmp_path_factory):
    folder, market, _ = finished
    elsewhere = tmp_path_factory.mktemp("early")
    shutil.copytree(market.path, elsewhere / "m")
    split = {"name": "holdout", "train": 0.4, "validation": 0.1, "sealed": 0.5}
    ep.run(config(split=split), open_market(elsewhere / "m"), out=elsewhere / "run", write=silent)
    bundle = folder / "run" / "bundle"
    figures = evaluate_bundle(bundle, elsewhere / "m", open_sealed=True)
    trained_until = json.loads((bundle / "bundle.json").read_text())["lineage"]["train_end_ns"]
    assert pl.Series([figures["start"]]).str.to_datetime("%Y-%m-%d %H:%M").dt.timestamp("ns")[0] > trained_until


def test_a_refused_run_leaves_the_folder_to_the_corrected_one(tmp_path):
    market = ep.make_market("noise", tmp_path / "m", symbols=2, bars=2000, seed=5)
    for wrong in (["features=hourly2"], ["label.horizon_bars=100000"], ["label.threshold_bps=9000"]):
        with pytest.raises(ep.EdgeproofError):
            ep.run(config(), market, out=tmp_path / "run", overrides=wrong, write=silent)
        assert not (tmp_path / "run").exists()
    assert ep.run(config(), market, out=tmp_path / "run", write=silent).verdict["trials"] >= 1


def test_an_answer_once_given_is_given_again(finished):
    folder, market, run = finished
    plain = judge_again(folder / "run")
    assert plain.verdict["span"] == "sealed"
    assert plain.verdict["openings"] == 1
    assert plain.verdict["verdict"] == run.verdict["verdict"]
    assert ep.run(config(), market, out=folder / "run", write=silent).verdict["verdict"] == run.verdict["verdict"]


def test_a_smallest_sharpe_named_after_the_opening_is_said_to_be_without_effect(finished):
    folder, market, _ = finished
    late = ep.run(config(seed=4, verdict={"smallest_sharpe": 1.0}), market, out=folder / "late", write=silent)
    assert late.verdict["smallest_sharpe"] == late.verdict["detection_limit"]
    assert any("no effect" in note for note in late.verdict["notes"])


def test_a_cut_ticker_is_no_proof_that_losers_were_kept(tmp_path):
    rng = np.random.default_rng(1)
    count, halt = 3000, 1000
    close = 100 * np.cumprod(1 + 0.01 * rng.standard_normal(count))
    close[halt:] /= 1000
    opened = np.r_[100, close[:-1]]
    opened[halt] = close[halt]
    hours = np.arange(count) + np.where(np.arange(count) >= halt, 300, 0)
    frame = pl.DataFrame({"open": opened, "close": close, "volume": 1e3 * (1 + rng.random(count))}).with_columns(
        time=pl.datetime(2022, 1, 1) + pl.duration(hours=pl.lit(pl.Series(hours))),
        high=pl.max_horizontal("open", "close") * 1.001,
        low=pl.min_horizontal("open", "close") * 0.999,
    )
    market = ep.from_polars(frame, tmp_path / "m", symbol="COIN")
    assert market.symbols == ("COIN", "COIN.2")
    levels = [finding.level for finding in market.findings() if finding.check == "quality.survivorship"]
    assert levels == ["error"]
