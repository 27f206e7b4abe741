"""The settings of PPO, each with the space in which a search may vary it; in some of them members may differ."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from edgeproof.core.config import Config, Part, Tune, part
from edgeproof.rl.curriculum import CURRICULA, NoCurriculumConfig, stages_of
from edgeproof.rl.encoders import ENCODERS, NoEncoderConfig

__all__ = ["PER_MEMBER", "VALIDATE_EVERY", "NetConfig", "NoAgentConfig", "PpoConfig", "RlPrecision"]

Activation = Literal["tanh", "relu", "silu"]
RlPrecision = Literal["auto", "fp64", "fp32", "bf16"]
Mode = Literal["quick_test", "standard", "production", "auto", "extended"]
Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]

VALIDATE_EVERY: dict[str, int] = {"quick_test": 5, "standard": 20, "production": 40, "auto": 40, "extended": 100}
"""Updates between two validations."""

PER_MEMBER = ("lr", "gamma", "gae_lambda", "clip", "value_coefficient", "entropy", "grad_norm")
"""Settings in which the members of a population may differ."""


class NoAgentConfig(Config):
    """No agent: a model forecasts, and a policy makes positions of its forecasts."""

    name: Literal["none"] = "none"


class NetConfig(Config):
    """Actor and critic: multilayer perceptrons on the whole observation.

    Attributes:
        actor: widths of the actor's hidden layers; of both where the trunk is shared.
        critic: widths of the critic's hidden layers; unused where the trunk is shared.
        shared: one trunk for actor and critic.
        activation: `tanh`, `relu` or `silu`.
        log_std: of continuous actions, at the start.
    """

    actor: Widths = (256, 128)
    critic: Widths = (512, 256)
    shared: bool = False
    activation: Activation = "tanh"
    log_std: float = 0.0


class PpoConfig(Config):
    """Proximal policy optimisation (Schulman et al. 2017) with generalised advantages (Schulman et al. 2016).

    Attributes:
        net: actor and critic.
        encoder: what they see of a window: its numbers (`none`), an encoding of it that supervision has made
            (`frozen`), or one that is learned with them (`learned`).
        curriculum: stages that lead up to the whole market, each left when the agent earns enough in it, or at the
            latest after its share of the training: `none`, your own `stages`, or the presets `volatility` and `tasks`.
        total_steps: environment steps of one member, over all its accounts.
        steps: of every account in a rollout.
        accounts: stepped together, of one member.
        epochs: passes over a rollout.
        minibatch: samples of one gradient step, of one member; the minibatches of an epoch differ by at most one, from
            64 accounts and 256 samples on by at most sixteen: runs of sixteen accounts of one step then stay together.
        lr: base learning rate of Adam.
        gamma: discount.
        gae_lambda: how far advantages look before they trust the critic.
        clip: of the ratio.
        value_coefficient: weight of the value loss.
        clip_value: hold new values within `clip` of the old ones; none: not.
        entropy: weight of the entropy bonus.
        grad_norm: largest norm of a member's whole gradient.
        adam_eps: added to the root of the squared gradient's mean.
        target_kl: an update ends early once its KL is 1.5 times this; none: never.
        schedule: of the learning rate: `cosine` after a warm-up to a floor, `linear` to zero, or `none`.
        warmup_share: share of all updates in which the rate rises from a tenth (cosine).
        floor_share: share of the base rate at the end (cosine).
        clip_schedule: `linear` to zero, or `none`.
        normalise_advantages: per minibatch and member.
        normalise_observations: by their running mean and deviation, per member.
        normalise_rewards: by the running deviation of the discounted return, per member.
        precision: of the networks: `fp32`, `fp64`, `bf16`, or `auto`: bf16 on a processor that has instructions for it,
            else fp32.
        device: `cpu`, `cuda` or `auto`: where accounts are stepped and networks learn; validation and the finished
            agent are the processor's. It is the processor that is the default, since the way of CUDA was run on Numba's
            simulator and on stand-ins for a GPU's tensors only.
        mode: sets how often is validated: `quick_test` every 5, `standard` every 20, `production` and `auto` every 40,
            `extended` every 100 updates, and no less than ten times in a training.
        save_seconds: a checkpoint is written at the end of the first update after so long.
    """

    also_called: ClassVar[Mapping[str, str]] = {  # by Stable-Baselines3
        "learning_rate": "lr",
        "n_steps": "steps",
        "n_envs": "accounts",
        "batch_size": "minibatch",
        "n_epochs": "epochs",
        "clip_range": "clip",
        "clip_range_vf": "clip_value",
        "ent_coef": "entropy",
        "vf_coef": "value_coefficient",
        "max_grad_norm": "grad_norm",
        "normalize_advantage": "normalise_advantages",
        "total_timesteps": "total_steps",
        "policy_kwargs": "net",
        "net_arch": "net.actor",
    }

    name: Literal["ppo"] = "ppo"
    net: NetConfig = NetConfig()
    encoder: Annotated[Part, part(ENCODERS, "encoders")] = NoEncoderConfig()
    curriculum: Annotated[Part, part(CURRICULA, "curriculums")] = NoCurriculumConfig()
    total_steps: Annotated[int, Field(ge=1)] = 500_000_000
    steps: Annotated[int, Field(ge=1, le=1_000_000)] = 128
    accounts: Annotated[int, Field(ge=1, le=16_777_216)] = 1024
    epochs: Annotated[int, Field(ge=1, le=1000)] = 4
    minibatch: Annotated[int, Field(ge=2), Tune(choices=(2048, 8192, 32768))] = 4096
    lr: Annotated[float, Field(gt=0), Tune(1e-5, 1e-2, log=True)] = 3e-4
    gamma: Annotated[float, Field(ge=0, le=1), Tune(0.95, 0.999)] = 0.99
    gae_lambda: Annotated[float, Field(ge=0, le=1), Tune(0.9, 0.99)] = 0.95
    clip: Annotated[float, Field(gt=0), Tune(0.1, 0.3)] = 0.2
    value_coefficient: Annotated[float, Field(ge=0)] = 0.5
    clip_value: bool = False
    entropy: Annotated[float, Field(ge=0), Tune(1e-4, 3e-2, log=True)] = 0.01
    grad_norm: Annotated[float, Field(gt=0)] = 0.5
    adam_eps: Annotated[float, Field(gt=0)] = 1e-5
    target_kl: Annotated[float | None, Field(gt=0)] = None
    schedule: Literal["cosine", "linear", "none"] = "cosine"
    warmup_share: Share = 0.05
    floor_share: Share = 0.01
    clip_schedule: Literal["none", "linear"] = "none"
    normalise_advantages: bool = True
    normalise_observations: bool = False
    normalise_rewards: bool = False
    precision: RlPrecision = "auto"
    device: str = "cpu"
    mode: Mode = "auto"
    save_seconds: Annotated[float, Field(ge=0)] = 60.0

    @model_validator(mode="after")
    def _stages_have_time(self) -> "PpoConfig":
        stages = len(stages_of(self.curriculum))
        if stages > self.updates:
            raise ValueError(
                f"curriculum has {stages} stages, total_steps gives {self.updates} updates of {self.accounts} accounts "
                f"and {self.steps} steps; raise total_steps"
            )
        return self

    @property
    def updates(self) -> int:
        """Rollouts of a whole training; the last one may take it past `total_steps`."""
        return -(-self.total_steps // (self.steps * self.accounts))

    @property
    def notices(self) -> tuple[str, ...]:
        """What is allowed and does something else than one may expect of it."""
        samples, said = self.steps * self.accounts, []
        rollout = f"a rollout of {self.accounts} accounts and {self.steps} steps ({samples} samples)"
        if self.minibatch > samples:
            said.append(f"agent.minibatch={self.minibatch} is more than {rollout}: a gradient step takes all of it")
        if self.total_steps < samples:
            said.append(f"agent.total_steps={self.total_steps} is less than {rollout}: one whole update is made")
        return tuple(said)

    @property
    def validated_every(self) -> int:
        """Updates between two validations; the last update is always validated."""
        return max(1, min(VALIDATE_EVERY[self.mode], self.updates // 10))
