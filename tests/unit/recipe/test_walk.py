"""Steps 1 to 3 on a run's own parts: every model of the catalog passes, and each planted fault is stopped by name."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import edgeproof as ep
from edgeproof.core.config import Config
from edgeproof.core.finding import Finding
from edgeproof.data.store import Market
from edgeproof.features import FEATURES, Feature
from edgeproof.ledger.store import Ledger
from edgeproof.models import MODELS
from edgeproof.models.heads import BinaryHead, Classifier
from edgeproof.recipe import walk_inputs
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.learn import proven_folds
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.shown import Shown, shown
from edgeproof.recipe.steps import Step
from edgeproof.recipe.templates import template_body, template_texts
from edgeproof.recipe.walk import steps_before
from edgeproof.recipe.walk_model import overfit_step, skeleton_step
from edgeproof.train import LOSSES

FREE = {"commission_bps": 0.0, "half_spread_bps": 0.0}
SMALL = {"features": ["close_location", "body_share", "log_return_1", "log_volatility_24"], "costs": FREE, "window": 8}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return ep.make_market("linear", tmp_path_factory.mktemp("walk") / "m", symbols=3, bars=2400, seed=5, strength=0.1)


def steps_of(market: Market, config: RunConfig) -> list[Step]:
    ledger = Ledger(market.path)
    span = open_bars(config, market, ledger)
    return [step for step, _ in steps_before(config, market, prepare(config, market, span), ledger, span.market)]


def look(market: Market, **body: Any) -> Shown:
    config = load_run_config(SMALL | body)
    ledger = Ledger(market.path)
    span = open_bars(config, market, ledger)
    prepared = prepare(config, market, span)
    return shown(config, prepared, ledger, proven_folds(config, prepared)[-1], market=span.market)


def first_error(steps: list[Step]) -> Finding | None:
    return next((check for step in steps for check in step.checks if check.level == "error"), None)


@pytest.mark.parametrize("name", ["logistic_baseline", "mlp_baseline"])
def test_the_plain_models_pass_every_step(market: Market, name: str):
    steps = steps_of(market, load_run_config(template_body(name)))
    assert [step.name for step in steps] == ["data", "skeleton", "overfit"]
    assert first_error(steps) is None
    assert all({"measured", "threshold"} <= check.evidence.keys() for step in steps[1:] for check in step.checks)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in template_texts() if name.endswith("baseline")])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_model_of_the_catalog_passes_every_step(market: Market, name: str, seed: int):
    assert first_error(steps_of(market, load_run_config(template_body(name), [f"seed={seed}"]))) is None


def test_a_rare_class_is_warned_of_and_no_fault_of_the_model(market: Market):
    label = {"name": "forward_return", "horizon_bars": 1, "threshold_bps": 250.0}
    steps = steps_of(market, load_run_config(SMALL | {"label": label}))
    assert first_error(steps) is None
    warned = {check.check for step in steps for check in step.checks if check.level == "warning"}
    assert warned >= {"samples.labels", "start.own_loss"}


def test_a_model_of_three_weights_passes_every_step(market: Market):
    body = SMALL | {"features": ["close_location"], "window": 2}
    assert first_error(steps_of(market, load_run_config(body))) is None


def test_a_model_of_trees_has_inputs_and_baselines_and_says_why_there_is_no_more(market: Market):
    seen = look(market, model="gbm")
    skeleton, overfit = skeleton_step(seen), overfit_step(seen)
    assert [check.check for check in skeleton.checks] == ["inputs.as_received", "baselines.naive"]
    assert {one.check for one in skeleton.skipped} >= {"flow.gradients", "capacity.one_batch"}
    assert overfit.checks == ()
    assert "trees" in overfit.skipped[0].why


def test_nothing_is_drawn_from_the_global_generator_and_nothing_is_changed(market: Market):
    seen = look(market)
    state, before = torch.get_rng_state(), {name: v.clone() for name, v in seen.model.state_dict().items()}
    first, second = (skeleton_step(seen).to_json()["checks"] for _ in range(2))
    assert first == second
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in seen.model.state_dict().items())


def test_the_sample_that_is_shown_has_the_values_of_the_feature_table(market: Market):
    seen = look(market)
    sample = walk_inputs.as_received(seen).evidence["sample"]
    panel, table = seen.prepared.panel, seen.prepared.table
    s = panel.symbols.index(sample["symbol"])
    row = sample["values"][2]
    assert row["feature"] == "log_return_1"
    at = np.flatnonzero(np.isclose(table.x[s, :, 2], row["raw"], rtol=1e-5))
    assert len(at) >= 1
    scaled = (row["raw"] - seen.preprocessor.mean[2]) / seen.preprocessor.std[2]
    assert row["scaled"] == pytest.approx(np.clip(scaled, -5, 5), rel=1e-4)
    assert row["received"] == row["scaled"]


# Planted faults. Each is a model, a loss or a feature that a user may add, or a defect between table and model.


class Encoder(nn.Module):
    """Two layers, in which a fault is built."""

    def __init__(self, inputs: int, fault: str) -> None:
        super().__init__()
        self.fault, self.kept = fault, torch.zeros(())
        self.first, self.second, self.act = nn.Linear(inputs, 64), nn.Linear(64, 32), nn.ReLU()
        self.hidden = [nn.Linear(32, 32)]
        if fault == "exploding":
            nn.init.normal_(self.second.weight, std=300.0)
        if fault == "dead":
            nn.init.constant_(self.first.bias, -1e3)
        if fault == "frozen":
            self.first.requires_grad_(requires_grad=False)
        if fault == "unseeded":
            self.first.weight.data += torch.from_numpy(np.random.default_rng().normal(0, 0.01, (64, inputs))).float()

    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        x = x_BLF.flatten(1)
        if self.fault == "mixing":
            x = x - x.mean(0)
        if self.fault == "blind":
            x = 0.0 * x
        if self.fault == "last_bar":
            x = torch.cat([x_BLF[:, :-1], torch.zeros_like(x_BLF[:, :1])], 1).flatten(1)
        z = self.act(self.first(x))
        z = z.detach() if self.fault == "detached" else z
        z = self.act(self.second(z))
        if self.fault == "unregistered":
            z = self.hidden[0](z)
        if self.fault == "asleep":
            z = nn.functional.dropout(z, 0.5)
        return z


class SigmoidHead(BinaryHead):
    """A head that gives probabilities to a loss that expects logits."""

    def forward(self, z_BD: Tensor) -> Tensor:
        return super().forward(z_BD).sigmoid()


class BiasedHead(BinaryHead):
    """A head that begins certain."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        nn.init.constant_(self.linear.bias, 4.0)


class FaultyConfig(Config):
    """A model with one fault."""

    name: Literal["faulty"] = "faulty"
    fault: str = ""

    def build(self, n_features: int, window: int, n_assets: int) -> Classifier:
        """The module."""
        del n_assets
        heads = {"sigmoid": SigmoidHead, "biased": BiasedHead}
        return Classifier(Encoder(n_features * window, self.fault), heads.get(self.fault, BinaryHead)(32))


class FaultyLossConfig(Config):
    """A loss with one fault."""

    name: Literal["faulty_loss"] = "faulty_loss"
    fault: str = ""

    def build(self, positive_share: float = 0.5) -> Any:
        """`(logit_B, y_B) -> loss_B`."""
        del positive_share
        plain = nn.functional.binary_cross_entropy_with_logits

        def loss(logit_B: Tensor, y_B: Tensor) -> Tensor:
            if self.fault == "sign":
                return -plain(logit_B, y_B, reduction="none")
            if self.fault == "turned":
                return plain(logit_B, 1 - y_B, reduction="none")
            if self.fault == "broadcast":
                return plain(*torch.broadcast_tensors(logit_B[:, None], y_B), reduction="none").mean(0)
            if self.fault == "neighbour":
                return plain(logit_B, y_B.roll(1), reduction="none")
            if self.fault == "nan":
                return (logit_B.sigmoid() - 1).log() * y_B
            return plain(logit_B, y_B, reduction="none")

        return loss


@pytest.fixture(autouse=True)
def catalogs() -> Iterator[None]:
    with patch.dict(MODELS, {"faulty": FaultyConfig}), patch.dict(LOSSES, {"faulty_loss": FaultyLossConfig}):
        yield


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("", None),
        ("exploding", "start.outputs"),
        ("biased", "start.loss"),
        ("dead", "flow.dead_units"),
        ("frozen", "flow.gradients"),
        ("detached", "flow.gradients"),
        ("unseeded", "start.same_build"),
        ("unregistered", "flow.registered"),
        ("asleep", "flow.modes"),
        ("mixing", "flow.mixing"),
        ("blind", "flow.inputs_used"),
        ("last_bar", "flow.inputs_used"),
        ("sigmoid", "start.outputs"),
    ],
)
def test_a_faulty_model_is_stopped_by_the_check_of_its_fault(market: Market, fault: str, check: str | None):
    step = skeleton_step(look(market, model={"name": "faulty", "fault": fault}))
    failed = [one.check for one in step.checks if one.level == "error"]
    assert (failed == []) if check is None else (check in failed), step.failures


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("", None),
        ("sign", "loss.direction"),
        ("turned", "loss.direction"),
        ("broadcast", "loss.own_target"),
        ("neighbour", "loss.own_target"),
        ("nan", "loss.computes"),
    ],
)
def test_a_faulty_loss_is_stopped_by_the_check_of_its_fault(market: Market, fault: str, check: str | None):
    step = skeleton_step(look(market, loss={"name": "faulty_loss", "fault": fault}))
    found = first_error([step])
    assert (found and found.check) == check, step.failures


def column(values: Any) -> Feature:
    return Feature("planted", 0, "user", "planted", values)


def test_a_feature_that_is_the_label_is_stopped_by_name(market: Market):
    def later(rows: Any) -> np.ndarray:
        open_ = rows.open
        found = np.zeros(len(open_))
        found[:-2] = open_[2:] / open_[1:-1] - 1
        return found

    with patch.dict(FEATURES, {"planted": column(later)}):
        config = load_run_config(SMALL | {"features": ["log_return_1", "planted"]})
        (data, *_) = steps_of(market, config)
    failed = {one.check for one in data.checks if one.level == "error"}
    assert {"leakage.causal", "data.target_in_inputs"} <= failed


def test_features_that_never_change_are_stopped(market: Market):
    with patch.dict(FEATURES, {"planted": column(lambda rows: np.ones(len(rows.close)))}):
        (data, *_) = steps_of(market, load_run_config(SMALL | {"features": ["planted"]}))
    assert "data.varied" in {one.check for one in data.checks if one.level == "error"}


def changed(seen: Shown, **arrays: Any) -> Shown:
    """The same with other arrays in its dataset, as after a defect between table and model."""
    data = replace(seen.task.dataset, **arrays)
    x = torch.from_numpy(data.x)
    y = torch.from_numpy(data.y.reshape(-1)[data.fold.train])
    return replace(seen, task=replace(seen.task, dataset=data, x=x, train=replace(seen.task.train, y=y)))


@dataclass(frozen=True)
class Defect:
    """What a defect does to a dataset's arrays."""

    name: str

    def __call__(self, seen: Shown) -> Shown:
        data = seen.task.dataset
        if self.name == "a bar late":
            return changed(seen, x=np.ascontiguousarray(np.roll(data.x, -1, axis=1)))
        if self.name == "columns exchanged":
            return changed(seen, x=np.ascontiguousarray(data.x[:, :, [1, 0, *range(2, data.x.shape[2])]]))
        if self.name == "one value in its last bit":
            row = seen.drawn(1, "received")
            x = data.x.copy()
            x.reshape(-1, x.shape[2])[row, 0] = np.nextafter(x.reshape(-1, x.shape[2])[row, 0], np.float32(9))
            return changed(seen, x=x)
        if self.name == "labels of the next bar":
            return changed(seen, y=np.roll(data.y, -1, axis=1))
        if self.name == "symbols of others":
            return replace(
                seen, task=replace(seen.task, train=replace(seen.task.train, asset=seen.task.train.asset * 0))
            )
        scale = replace(seen.preprocessor, mean=seen.preprocessor.mean + np.float32(0.1))  # fitted on other samples
        x = (seen.prepared.table.x - scale.mean) / scale.std
        return changed(replace(seen, preprocessor=scale), x=np.clip(x, -scale.clip, scale.clip).astype(np.float32))


@pytest.mark.parametrize(
    "name",
    [
        "a bar late",
        "columns exchanged",
        "one value in its last bit",
        "labels of the next bar",
        "symbols of others",
        "another scale",
    ],
)
def test_what_is_changed_between_table_and_model_is_noticed(market: Market, name: str):
    seen = look(market)
    assert walk_inputs.as_received(seen).level == "info"
    found = walk_inputs.as_received(Defect(name)(seen))
    assert found.level == "error", found.claim


def test_a_forecast_that_reads_the_bar_after_its_window_is_noticed(market: Market):
    seen = look(market)
    real = walk_inputs.logits
    late = lambda model, x, index, asset, window: real(model, x, index + 1, asset, window)  # noqa: E731
    assert walk_inputs.no_other_bars(seen).level == "info"
    with patch.object(walk_inputs, "logits", late):
        assert walk_inputs.no_other_bars(seen).level == "error"
