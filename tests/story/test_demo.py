"""The whole way on small known-truth markets: a planted edge is found, noise is refused."""

import json

import polars as pl
import pytest
import yaml

from edgeproof.recipe.templates import template_body

GUARDS = ["p_net", "p_timing", "units", "blocks", "p_max", "p_loss", "regimes", "candidate", "findings", "survivorship"]
FILES = {
    "config.yaml",
    "history.parquet",
    "predictions.parquet",
    "track.parquet",
    "trades.parquet",
    "ledger.parquet",
    "verdict.json",
    "report.html",
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A small planted market, run and opened once."""
    import edgeproof as ep

    folder = tmp_path_factory.mktemp("planted")
    market = ep.make_market("linear", folder / "m", symbols=6, bars=8000, seed=3, strength=0.25)
    body = template_body("logistic_baseline") | {"seed": 1}
    closed = ep.run(body, market, out=folder / "run")
    before = dict(closed.verdict)
    opened = ep.run(body, market, out=folder / "run", open_sealed=True)
    return folder, before, opened


def test_the_seal_is_closed_until_it_is_opened(planted):
    _, before, opened = planted
    assert before["verdict"] == "inconclusive"
    assert before["span"] == "validation"
    assert before["sealed"] is None
    assert before["net"]["p_value"] is None
    assert before["openings"] == 0
    assert opened.verdict["span"] == "sealed"
    assert opened.verdict["openings"] == 1


def test_a_strong_planted_edge_is_found(planted):
    _, _, opened = planted
    verdict = opened.verdict
    assert verdict["verdict"] == "edge", [reason["text"] for reason in verdict["reasons"]]
    assert [reason["name"] for reason in verdict["reasons"]] == GUARDS
    assert next(r for r in verdict["reasons"] if r["name"] == "regimes")["passed"] is True
    assert sum(row["bars"] for row in verdict["regimes"]) == 1600
    assert verdict["sealed"]["benchmarks"]["random_entries"]["p_value"] < 0.01
    assert verdict["trials"] == 20
    assert 0.7 < verdict["oracle"]["auc_share"] <= 1.05
    assert verdict["net"]["sharpe_low"] < verdict["net"]["sharpe"] < verdict["net"]["sharpe_high"]
    assert verdict["gross"]["total_return"] > verdict["net"]["total_return"]
    json.dumps(verdict, allow_nan=False)


def test_everything_promised_is_on_disk_and_agrees(planted):
    folder, _, opened = planted
    run = folder / "run"
    assert {path.name for path in run.iterdir()} >= FILES | {"bundle"}
    track = pl.read_parquet(run / "track.parquet")
    assert set(track["span"].unique()) == {"validation", "sealed"}
    for span in ("validation", "sealed"):
        part = track.filter(pl.col("span") == span)
        costs = sum(part[kind] for kind in ("commission", "spread", "slippage", "impact", "borrow", "funding"))
        assert (part["gross"] - costs - part["net"]).abs().max() < 1e-9  # pyright: ignore[reportOptionalOperand, reportOperatorIssue]
        assert abs(1 + part["net"].sum() - part["equity"][-1]) < 1e-9
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["train"]["lr"] == 0.003
    assert json.loads((run / "verdict.json").read_text()) == opened.verdict
    assert len((run / "report.html").read_bytes()) < 2_000_000
    assert opened.track.height == track.height
    assert "edge" in opened._repr_html_()


def test_the_trades_are_the_track_and_the_ablations_are_no_trials(planted):
    _, _, opened = planted
    trades, track = opened.trades, opened.track
    for span in ("validation", "sealed"):
        part, money = trades.filter(pl.col("span") == span), track.filter(pl.col("span") == span)
        assert (part["gross"] - part["cost"] - part["net"]).abs().max() < 1e-12
        for kind in ("gross", "commission", "spread", "slippage", "impact", "borrow", "funding", "net"):
            assert abs(part[kind].sum() - money[kind].sum()) < 1e-9
        assert len(part) == opened.verdict[span]["net"]["trades"]
        assert (part["exit_time"] > part["entry_time"]).all()
    found = opened.verdict["ablations"]
    assert set(found) == {"one_bar_late", "costs_twice", "same_close", "without_five_best"}
    assert [name for name, body in found.items() if body["stamps"]] == ["same_close"]
    assert found == opened.verdict["sealed"]["ablations"] != opened.verdict["validation"]["ablations"]
    net = opened.verdict["net"]
    assert found["costs_twice"]["cost_bps"] == pytest.approx(2 * net["cost_bps"])
    assert found["without_five_best"]["total_return"] < net["total_return"]
    assert opened.verdict["trials"] == 20
    assert "Stamped fill_at_close" in (opened.folder / "report.html").read_text()


def test_a_second_candidate_after_the_opening_cannot_be_an_edge(planted):
    import edgeproof as ep

    folder, _, _ = planted
    body = template_body("logistic_baseline") | {"seed": 2}
    late = ep.run(body, ep.open_market(folder / "m"), out=folder / "late", open_sealed=True)
    assert late.verdict["verdict"] == "inconclusive"
    assert late.verdict["openings"] == 2
    assert late.verdict["trials"] >= 40
    candidate = next(reason for reason in late.verdict["reasons"] if reason["name"] == "candidate")
    assert candidate["passed"] is False
    again = ep.run(body, ep.open_market(folder / "m"), out=folder / "late", open_sealed=True)
    assert again.verdict["openings"] == 2


def test_a_copied_market_a_new_out_and_a_deleted_run_keep_the_count(planted, tmp_path):
    import shutil

    import edgeproof as ep

    folder, _, _ = planted
    copied = folder / "renamed"
    shutil.copytree(folder / "m", copied)
    body = template_body("logistic_baseline") | {"seed": 9, "train": {"epochs": 1}}
    first = ep.run(body, ep.open_market(copied), out=folder / "other")
    count = first.verdict["trials"]
    assert count >= 40
    shutil.rmtree(folder / "other")
    again = ep.run(body, ep.open_market(copied), out=folder / "another")
    assert again.verdict["trials"] == count


def test_a_symbol_that_never_trades_is_said(tmp_path):
    import numpy as np

    import edgeproof as ep

    rng = np.random.default_rng(2)
    frames = []
    for symbol, count in (("LONG", 3000), ("YOUNG", 200)):
        close = 100 * np.cumprod(1 + 0.01 * rng.standard_normal(count))
        frame = pl.DataFrame({"open": np.r_[100, close[:-1]], "close": close, "volume": 1 + rng.random(count)})
        frames.append(
            frame.with_columns(
                time=pl.datetime(2022, 1, 1) + pl.duration(hours=pl.lit(pl.Series(np.arange(count)))),
                symbol=pl.lit(symbol),
                high=pl.max_horizontal("open", "close") * 1.001,
                low=pl.min_horizontal("open", "close") * 0.999,
            )
        )
    market = ep.from_polars(pl.concat(frames), tmp_path / "m", universe="fixed")
    body = template_body("logistic_baseline")
    body["train"] |= {"epochs": 1}
    run = ep.run(body, market, out=tmp_path / "run")
    said = [finding for finding in run.data("x").findings if finding.check == "features.silent_symbols"]
    assert len(said) == 1
    assert said[0].evidence["symbols"] == ["YOUNG"]
