"""The root config, assembled from the catalogs: the one place where all keys meet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, model_validator

from edgeproof.backtest.policies import POLICIES, FollowConfig, ThresholdConfig
from edgeproof.backtest.run import Keep
from edgeproof.combine import COMBINERS
from edgeproof.combine.lesson import Combiner
from edgeproof.combine.single import SingleConfig
from edgeproof.core.catalog import whole
from edgeproof.core.config import Config, Part, apply_overrides, from_mapping, part, read_yaml
from edgeproof.core.errors import ConfigError
from edgeproof.core.secret import without_passwords
from edgeproof.data.quality import QualityConfig
from edgeproof.labels import LABELS
from edgeproof.labels.forward import ForwardReturnConfig
from edgeproof.models import MODELS
from edgeproof.models.ensemble import COMBINED
from edgeproof.models.logistic import LogisticConfig
from edgeproof.recipe.agent_fits import refusals
from edgeproof.recipe.gates_config import GatesConfig
from edgeproof.regimes import REGIMES
from edgeproof.regimes.rules import RulesConfig
from edgeproof.rl import AGENTS
from edgeproof.rl.encoders import FrozenEncoderConfig
from edgeproof.rl.market_settings import EnvConfig, asset_count
from edgeproof.rl.settings import NoAgentConfig
from edgeproof.samples.augment.settings import AugmentConfig
from edgeproof.samples.split import SPLITS
from edgeproof.samples.split.holdout import HoldoutConfig
from edgeproof.search.settings import TuneConfig
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options
from edgeproof.train import LOSSES
from edgeproof.train.loggers import TRACKERS
from edgeproof.train.loggers.settings import NoTrackingConfig
from edgeproof.train.losses import BceConfig
from edgeproof.train.settings import TrainConfig
from edgeproof.train.transfer import TransferConfig

__all__ = ["RunConfig", "VerdictConfig", "load_run_config"]


class VerdictConfig(Config):
    """What the verdict asks of the figures.

    Attributes:
        smallest_sharpe: the smallest net annual Sharpe that is worth finding; none: the detection limit of the span.
    """

    smallest_sharpe: Annotated[float | None, Field(gt=0)] = None


# An asset without a bar for a day is closed at its last price: longer than any outage of a large venue, 4 hours.
ACCOUNT = Options(delisting_bars=24)
SIZED_COSTS = ("impact", "commission_per_unit", "commission_minimum")
FEES = ("commission_bps", "maker_bps", "commission_per_unit", "commission_minimum")
SIZED_RULES = ("participation", "lot", "minimum_notional")


def _account(body: Any) -> Any:
    """A run's account has its own defaults, also where only some of its keys are given."""
    return {"delisting_bars": ACCOUNT.delisting_bars, **body} if isinstance(body, Mapping) else body


def _named(part: Any, default: str = "") -> Mapping[str, Any] | None:
    """A part that is written as a name or a mapping, as a mapping with its name; None of anything else."""
    body = {"name": part} if isinstance(part, str) else part
    return {"name": default, **body} if isinstance(body, Mapping) else None


def _has_barriers(label: Any) -> bool:
    """Whether the label speaks of exits."""
    body = _named(label, "forward_return")
    kind = label if body is None else whole(LABELS, "labels").get(str(body["name"]))
    return hasattr(kind, "bracket")


class RunConfig(Config):
    """Everything that a run depends on; two runs with equal configs, seeds and data are the same trial.

    Attributes:
        market: folder of the market; the command line's `--market` comes first.
        universe: in place of what the import was told; a membership file belongs to the import.
        quality: which bars are masked.
        features: a set's name or a list of features.
        window: bars that a model sees, L.
        label: what is forecast.
        decide_every: decide at every n-th bar of the clock.
        split: training and validation shares of the market, and the share that its first use seals.
        augment: copies of the bars with something done to them, for training and at the forecast.
        model, loss, train: what is trained, on what, how.
        combine: how one model is made: of a `single` training, as the best of several starts (`multi_start`), as an
            `ensemble`, `distilled` from teachers, or `continued` in further rounds; every training is a trial.
        transfer: an encoder of another run to begin with.
        agent: `none`, or what learns to trade instead of to forecast (`ppo`); it takes the place of model, loss and
            train, which make the encodings that it sees where `agent.encoder` is `frozen`. It decides at every bar, and
            `combine=multi_start` makes it a population of which the best is kept.
        environment: where an agent learns; each of its accounts has the money that the book puts on its symbols.
        policy: how forecasts become positions.
        keep: which of the policy's thresholds is kept, all of them counted: the `best` on validation, or the `median`
            of the candidates, which trades whatever validation says.
        exposure: gross exposure, in equities, that full weights of the policy and of the baselines stand for; above 1
            it needs `account.leverage`.
        costs: what each side of a trade pays; there is no default. `costs.preset` takes a venue's fee schedule.
        account: money at the start and the rules that the account obeys, on each span anew. Brackets in volatilities
            read those of the last 24 bars, of which half must be there. Funding is not charged: a market has no series
            of its rates.
        regimes: how each bar gets the state of the market by which figures are told apart, and one guard of the
            verdict is asked.
        verdict: what the verdict asks.
        tune: how a search varies all this; a plain run does not look at it.
        tracking: `none`, lines of JSON in the run's folder (`jsonl`), or from there to MLflow (`mlflow`); the ledger
            counts every trial whatever stands here, and no result depends on it.
        gates: which steps are walked before and around the training, and what a failed check does; no part of a trial.
        seed: of everything random.
    """

    market: str | None = None
    universe: Literal["survivors", "fixed"] | None = None
    quality: QualityConfig = QualityConfig()
    features: str | tuple[str, ...] = "hourly23"
    window: Annotated[int, Field(ge=1, le=4096)] = 24
    label: Annotated[Part, part(LABELS, "labels")] = ForwardReturnConfig()
    decide_every: Annotated[int, Field(ge=1, le=100_000)] = 1
    split: Annotated[Part, part(SPLITS, "splits")] = HoldoutConfig()
    augment: AugmentConfig = AugmentConfig()
    model: Annotated[Part, part(MODELS, "models")] = LogisticConfig()
    loss: Annotated[Part, part(LOSSES, "losses")] = BceConfig()
    train: TrainConfig = TrainConfig()
    combine: Annotated[Part, part(COMBINERS, "combiners")] = SingleConfig()
    transfer: TransferConfig = TransferConfig()
    agent: Annotated[Part, part(AGENTS, "agents")] = NoAgentConfig()
    environment: EnvConfig = EnvConfig()
    policy: Annotated[Part, part(POLICIES, "policies")] = ThresholdConfig()
    keep: Keep = "best"
    exposure: Annotated[float, Field(gt=0, le=1000)] = 1.0
    costs: CostsConfig
    account: Annotated[Options, BeforeValidator(_account)] = ACCOUNT
    regimes: Annotated[Part, part(REGIMES, "regimes")] = RulesConfig()
    verdict: VerdictConfig = VerdictConfig()
    tune: TuneConfig = TuneConfig()
    tracking: Annotated[Part, part(TRACKERS, "trackers")] = NoTrackingConfig()
    gates: GatesConfig = GatesConfig()
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _money_is_said(self) -> "RunConfig":
        """What depends on the size of the account needs one; 1.0 is no amount of money that anybody trades."""
        sized = {f"costs.{name}": getattr(self.costs, name) for name in SIZED_COSTS}
        sized |= {f"account.{name}": getattr(self.account, name) for name in SIZED_RULES}
        for name, value in sized.items():
            if value and self.account.start == Options().start:
                raise ValueError(
                    f"{name} depends on the size of the account; set account.start, its money at the start"
                )
        if self.account.fill_at_close:
            raise ValueError(
                "account.fill_at_close is an ablation that no market offers; leave it out: every run is traded under "
                "it beside its result (ablations in verdict.json)"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _leaves_with_its_label(cls, body: Any) -> Any:
        """A threshold policy holds for H bars, if it says nothing else, where the label has barriers: no direction."""
        policy = _named(body.get("policy", {}), "threshold") if isinstance(body, Mapping) else None
        if policy is None or policy["name"] != "threshold" or "exit" in policy or not _has_barriers(body.get("label")):
            return body
        return {**body, "policy": {**policy, "exit": "horizon"}}

    @model_validator(mode="before")
    @classmethod
    def _an_agent_is_followed(cls, body: Any) -> Any:
        """Where nothing else is said, the positions of an agent are held as it says them.

        One account of several assets asks for weights of all its money, at most all of it.
        """
        agent = _named(body.get("agent", {}), "none") if isinstance(body, Mapping) else None
        if agent is None or agent["name"] == "none":
            return body
        policy, environment = _named(body.get("policy", {}), "follow"), body.get("environment")
        assets = asset_count(environment)
        if policy is not None and policy["name"] == "follow":
            body = {**body, "policy": {"assets": assets, **policy}}
        if isinstance(environment, Mapping) and assets != 1:
            body = {**body, "environment": {"gross": 1.0, **environment}}
        return body

    @model_validator(mode="after")
    def _an_agent_fits(self) -> "RunConfig":
        """What an agent has no use for is refused, not ignored."""
        follows = isinstance(self.policy, FollowConfig)
        if not self.has_agent:
            if follows:
                raise ValueError("policy follow holds what an agent says; set agent=ppo, or choose another policy")
            return self
        for key, why in refusals(self).items():
            if why:
                raise ValueError(f"{key}: {why}")
        return self

    @property
    def has_agent(self) -> bool:
        """Whether an agent learns to trade, and no model to forecast."""
        return not isinstance(self.agent, NoAgentConfig)

    @property
    def has_eyes(self) -> bool:
        """Whether an agent sees encodings that supervision has made, by `model`, `loss` and `train`."""
        return isinstance(getattr(self.agent, "encoder", None), FrozenEncoderConfig)

    @property
    def learner(self) -> str:
        """Name of what is trained."""
        return str((self.agent if self.has_agent else self.model).model_dump()["name"])

    @model_validator(mode="after")
    def _leverage_allows_it(self) -> "RunConfig":
        """What is asked for is not cut down in silence."""
        allowed = self.account.leverage or 1.0
        if self.exposure > allowed:
            raise ValueError(
                f"exposure {self.exposure:g} is above the {allowed:g} that account.leverage allows; set "
                f"account.leverage={self.exposure:g}, or lower exposure"
            )
        return self

    @model_validator(mode="after")
    def _can_be_combined(self) -> "RunConfig":
        """What cannot be combined this way says so before anything is trained."""
        cast("Combiner", self.combine).check(self.model, self.loss, self.train)
        return self

    @model_validator(mode="before")
    @classmethod
    def _members_are_models(cls, body: Any) -> Any:
        """An ensemble is made of models, and is none to train."""
        model = _named(body.get("model")) if isinstance(body, Mapping) else None
        if model is not None and str(model["name"]) in COMBINED:
            raise ConfigError(
                f"model {model['name']} is put together, not trained; choose its members by model (such as mlp) and "
                "set combine=ensemble"
            )
        return body

    @model_validator(mode="after")
    def _augmentations_fit(self) -> "RunConfig":
        """What cannot be done to these windows, or read by this model, says so before anything is built."""
        self.augment.check(self.window, self.model)
        return self

    @model_validator(mode="after")
    def _exits_are_there(self) -> "RunConfig":
        """A policy that leaves by barriers says so now, not after the training."""
        _ = self.options
        return self

    @property
    def options(self) -> Options:
        """Rules of the account, with the exits of a policy that has its own."""
        own = getattr(self.policy, "account", None)
        if own is None:
            return self.account
        barriers = getattr(self.label, "bracket", None)
        horizon_bars = getattr(self.label, "horizon_bars", 1)
        return own(self.account, None if barriers is None else barriers(), horizon_bars)

    def trial_identity(self) -> dict[str, Any]:
        """What makes one trial differ from another: all but market, seed, regimes, verdict, tune, tracking, gates.

        A parent is known by its hash, not by its place. A single training is named as it was before there were other
        ways, so that rows of older ledgers count it as the same; likewise one without augmentation or agent.
        """
        without = {"market", "seed", "regimes", "verdict", "tune", "tracking", "gates"}
        without |= set() if self.transfer.sha else {"transfer"}
        without |= {"combine"} if self.combine == SingleConfig() else set()
        without |= set() if self.augment.kinds else {"augment"}
        learned = set() if self.has_eyes else {"model", "loss", "train"}
        without |= learned if self.has_agent else {"agent", "environment"}
        body = self.anywhere().model_dump(mode="json", exclude=without)
        return _as_before(body) if self.has_agent else body

    def anywhere(self) -> "RunConfig":
        """The config without the places of market, parent and tracking, and without gates, which change no result.

        Hashes say what market and parent are.
        """
        transfer = self.transfer.model_copy(update={"bundle": None})
        update = {"market": None, "transfer": transfer, "tracking": NoTrackingConfig(), "gates": GatesConfig()}
        return self.model_copy(update=update)


def _as_before(body: dict[str, Any]) -> dict[str, Any]:
    """An agent's trial, named as it was before there was what it has no use of."""
    agent, environment = body["agent"], body["environment"]
    for key, plain in (("encoder", "none"), ("curriculum", "none")):
        if agent[key]["name"] == plain:
            del agent[key]
    for stage in agent.get("curriculum", {}).get("stages", ()):
        if stage["timeframes"] == [1]:
            del stage["timeframes"]
    if agent["device"] == "cpu":
        del agent["device"]
    if environment["gross"] == 0.0:
        del environment["gross"]
    return body


def load_run_config(
    source: Path | str | Mapping[str, Any] | RunConfig,
    overrides: Sequence[str] = (),
    like: str = "logistic_baseline",
) -> RunConfig:
    """A run's config from a YAML file or a mapping, with overrides such as `train.lr=1e-3`; `like`: see `read_yaml`.

    Raises:
        ConfigError: unknown keys (the nearest known one is named), wrong values, a missing file.
    """
    if isinstance(source, RunConfig):
        source = source.model_dump(mode="json")
    name = str(source) if isinstance(source, str | Path) else "config"
    body = read_yaml(Path(source), like) if isinstance(source, str | Path) else dict(source)
    try:
        return _overridden(body, overrides, name)
    except ConfigError as error:
        if (guilty := _guilty(body, overrides, name, str(error))) is None:
            raise
        said = str(error).replace(f"{name}: ", f"override {without_passwords(guilty)!r}: ", 1)
        raise ConfigError(said) from error


def _overridden(body: dict[str, Any], overrides: Sequence[str], name: str) -> RunConfig:
    return from_mapping(RunConfig, apply_overrides(_without_fees(body, overrides), overrides), source=name)


def _guilty(body: dict[str, Any], overrides: Sequence[str], name: str, said: str) -> str | None:
    """The override with which this mistake came in; None where the file makes it already."""
    for count in range(len(overrides) + 1):
        try:
            _overridden(body, overrides[:count], name)
        except ConfigError as error:
            if str(error) == said:
                return overrides[count - 1] if count else None
    return None


def _without_fees(body: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The mapping without the fees that it names, where an override names a fee schedule in their place.

    `costs.preset=null` names none: the fees stay.
    """
    costs, named = body.get("costs"), [override for override in overrides if override.startswith("costs.preset=")]
    if not (isinstance(costs, Mapping) and named and apply_overrides({}, named)["costs"]["preset"] is not None):
        return body
    return body | {"costs": {key: value for key, value in costs.items() if key not in FEES}}
