"""Scales are those of the training samples, and a judged span is traded at the threshold that it was given."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

import edgeproof as ep
from edgeproof.data.store import Market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.judging import evaluate_span
from edgeproof.recipe.prepare import Prepared, open_bars, prepare
from edgeproof.recipe.templates import template_body
from edgeproof.recipe.trade import choose
from edgeproof.samples.dataset import collect_samples
from edgeproof.samples.split.holdout import HoldoutConfig
from edgeproof.train.bundle import Bundle, read_bundle


@dataclass(frozen=True)
class Made:
    """A model of a market whose edge costs nothing to trade."""

    config: RunConfig
    market: Market
    prepared: Prepared
    bundle: Bundle


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("chosen")
    market = ep.make_market("linear", folder / "m", symbols=3, bars=2400, seed=11, strength=0.3)
    body = template_body("logistic_baseline") | {"costs": {"commission_bps": 0.0, "half_spread_bps": 0.0}}
    body |= {"features": ["close_location", "body_share", "log_return_1"]}
    body["train"] |= {"epochs": 2}
    body["gates"] = {"profile": "none"}  # which would stop some of the faults that are looked for here
    ep.run(body, market, out=folder / "run", workspace=folder, write=lambda _: None)
    config = load_run_config(body)
    prepared = prepare(config, market, open_bars(config, market, Ledger(folder)))
    return Made(config, market, prepared, read_bundle(folder / "run" / "bundle"))


def test_scales_are_those_of_the_training_samples_alone(made: Made):
    table, labels, config = made.prepared.table, made.prepared.labels, made.config
    samples, bars = collect_samples(table, labels, made.prepared.decide, config.window), table.ready.shape[1]
    assert isinstance(config.split, HoldoutConfig)
    size = {"horizon_bars": labels.horizon_bars, "window": config.window, "reach_bars": int(table.reach.max())}
    fold = config.split.split(samples, bars=bars, **size)[0]
    rows = table.x.reshape(-1, table.x.shape[2])[fold.train].astype(np.float64)
    np.testing.assert_allclose(made.bundle.preprocessor["mean"], rows.mean(axis=0), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(made.bundle.preprocessor["std"], rows.std(axis=0), rtol=1e-5, atol=1e-7)


def test_a_judged_span_is_traded_at_the_threshold_it_was_given(made: Made):
    count = made.prepared.panel.present.shape[1]
    bars = slice(3 * count // 4, count)

    def judged(theta: float | None):
        bundle = replace(made.bundle, thresholds={"theta": theta})
        return evaluate_span(made.config, made.prepared, bundle, bars=bars, market=made.market)

    for theta in (None, 0.999):
        assert not judged(theta).traded.track.weights.any()
    best = choose(made.config, made.prepared, judged(None).forecast, bars)
    assert best.theta is not None  # there was something to be had in these bars
    np.testing.assert_array_equal(judged(best.theta).evidence.net, best.returns[:, best.place])
