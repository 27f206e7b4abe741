"""An agent's training as a table of updates, anyone's: reward, entropy, KL, clipping, critic, and what was judged."""

# U updates, P members

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeproof.core.errors import OptionError
from edgeproof.gates.columns import found

__all__ = [
    "AGENT_FIGURES",
    "AGENT_SETTINGS",
    "AgentHistory",
    "AgentKnown",
    "agent_history_of",
    "is_agent",
    "members_of",
    "preference",
]

AGENT_FIGURES: Mapping[str, tuple[str, ...]] = {
    "reward": ("reward", "mean_reward", "train_mean_reward"),
    "episode": ("episode_return", "rollout_ep_rew_mean", "ep_rew_mean", "charts_episodic_return", "episodic_return",
                "episode_return_mean", "episode_reward_mean"),
    "score": ("validation_score", "eval_mean_reward", "score", "validation_return"),
    "entropy": ("entropy", "losses_entropy", "policy_entropy", "loss_entropy"),
    "entropy_loss": ("train_entropy_loss", "entropy_loss"),
    "kl": ("kl", "train_approx_kl", "approx_kl", "losses_approx_kl", "mean_kl_loss"),
    "clipped": ("clip_share", "train_clip_fraction", "clip_fraction", "losses_clipfrac", "clipfrac"),
    "explained": ("explained_variance", "train_explained_variance", "losses_explained_variance", "vf_explained_var"),
    "value_loss": ("value_loss", "train_value_loss", "losses_value_loss", "vf_loss"),
    "norm": ("grad_norm", "train_grad_norm", "gradient_norm"),
    "ratio": ("ratio_error",),
    "size": ("reward_deviation",),
    "steps": ("steps", "time_total_timesteps", "total_timesteps", "global_step", "timesteps_total"),
    "turnover": ("validation_turnover",),
}  # fmt: skip
"""Figures by update: column of an `AgentHistory`, and the names by which it is known, the first that is there wins."""

AGENT_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "lr": ("lr", "learning_rate"),
    "entropy": ("ent_coef", "entropy_coef", "entropy_coeff", "entropy_coefficient", "entropy"),
    "gamma": ("gamma", "discount", "discount_factor"),
    "value_coefficient": ("vf_coef", "value_coef", "vf_loss_coeff", "value_loss_coef", "value_coefficient"),
    "clip": ("clip_range", "clip_coef", "clip_param", "clip_epsilon", "clip"),
    "epochs": ("n_epochs", "update_epochs", "num_sgd_iter", "num_epochs", "ppo_epochs", "epochs"),
    "minibatch": ("minibatch_size", "sgd_minibatch_size", "batch_size", "minibatch"),
    "grad_norm": ("max_grad_norm", "grad_clip", "grad_norm"),
    "target_kl": ("target_kl", "kl_target"),
    "total_steps": ("total_timesteps", "total_steps", "max_steps", "num_timesteps"),
    "steps": ("n_steps", "num_steps", "rollout_length", "rollout_fragment_length", "steps"),
    "accounts": ("n_envs", "num_envs", "n_environments", "accounts"),
}
"""Settings: field of `AgentKnown`, `total_steps`, `steps` of a rollout and `accounts`, and the names of each."""


@dataclass(frozen=True)
class AgentHistory:
    """Figures by update, f64[U] each; NaN where a figure was not finite or is not there.

    Attributes:
        reward: mean of a step.
        episode: mean return of the episodes that ended.
        score: on validation, more is better; of the updates that were validated.
        entropy: of the policy, nats.
        kl: of an update, old policy against new.
        clipped: share of samples whose ratio was cut off.
        explained: share of the returns' variance that the critic explains.
        value_loss: of the critic.
        norm: of the gradient.
        ratio: largest |ratio - 1| of the first minibatch, before the policy has moved.
        size: deviation of the rewards of a rollout.
        steps: of the environment until then.
        turnover: on validation.
    """

    reward: np.ndarray
    episode: np.ndarray
    score: np.ndarray
    entropy: np.ndarray
    kl: np.ndarray
    clipped: np.ndarray
    explained: np.ndarray
    value_loss: np.ndarray
    norm: np.ndarray
    ratio: np.ndarray
    size: np.ndarray
    steps: np.ndarray
    turnover: np.ndarray

    def __len__(self) -> int:
        return len(self.reward)


@dataclass(frozen=True)
class AgentKnown:
    """What is known of an agent's training beside its table; everything may be missing.

    Attributes:
        even: entropy of a policy without a preference, log of the number of actions; none: that of the first update.
        numbers: of a continuous action; 0: actions are chosen, not drawn from a range.
        lr, entropy, gamma, value_coefficient, clip, epochs, minibatch, grad_norm, target_kl: settings.
        updates: that were planned.
        samples: of an update.
        scale: of the rewards, where it is a setting.
        ended: whether it came to its end: more steps would have to be asked for.
        failed: what `failed.json` holds.
    """

    even: float | None = None
    numbers: int = 0
    lr: float | None = None
    entropy: float | None = None
    gamma: float | None = None
    value_coefficient: float | None = None
    clip: float | None = None
    epochs: int | None = None
    minibatch: int | None = None
    grad_norm: float | None = None
    target_kl: float | None = None
    updates: int | None = None
    samples: int | None = None
    scale: float | None = None
    ended: bool = False
    failed: Mapping[str, Any] = field(default_factory=dict)


def is_agent(names: Sequence[str]) -> bool:
    """Whether a table with these columns is that of an agent: a reward, and a policy's figures."""
    there = {name for name, known in AGENT_FIGURES.items() if found(names, known) is not None}
    return bool(there & {"reward", "episode"}) and bool(
        there & {"kl", "clipped", "explained", "entropy", "entropy_loss"}
    )


def agent_history_of(rows: Sequence[Mapping[str, Any]]) -> AgentHistory:
    """The table of a sequence of rows, one an update, under any usual name of its columns.

    Raises:
        OptionError: rows without a reward, or of several members at once.
    """
    names = {name for row in rows for name in row}
    if len(rows) and all(found(names, AGENT_FIGURES[one]) is None for one in ("reward", "episode")):
        raise OptionError(f"no reward among {', '.join(sorted(names))}; name a column reward (and kl, entropy)")
    column = {figure: _column(rows, found(names, known)) for figure, known in AGENT_FIGURES.items()}
    if np.isnan(column["reward"]).all():
        column["reward"] = column["episode"]
    lost = column.pop("entropy_loss")  # Stable-Baselines3 logs its negative
    column["entropy"] = np.where(np.isnan(column["entropy"]), -lost, column["entropy"])
    return AgentHistory(**column)


def preference(history: AgentHistory, known: AgentKnown) -> np.ndarray:
    """How open the policy still is, f64[U]: 1 at its start, 0 once it always does the same.

    Entropy as a share of an even choice's; of continuous actions its deviation as a share of that at the start.
    """
    there = history.entropy[~np.isnan(history.entropy)]
    even = known.even if known.even is not None else float(there[0]) if len(there) else np.nan
    if known.numbers:
        return np.exp((history.entropy - even) / known.numbers)
    return history.entropy / even if even > 0 else np.full(len(history), np.nan)


def members_of(rows: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows whose figures are lists, one number a member, as one table a member; [rows] where none is a list."""
    count = max((len(value) for row in rows for value in row.values() if isinstance(value, list)), default=1)
    return [
        [{name: value[place] if isinstance(value, list) else value for name, value in row.items()} for row in rows]
        for place in range(count)
    ]


def _column(rows: Sequence[Mapping[str, Any]], name: str | None) -> np.ndarray:
    values = [None if name is None else row.get(name) for row in rows]
    if any(isinstance(value, list) for value in values):
        raise OptionError(f"{name} is a list: one number a member; give each member's rows by themselves")
    column = np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
    return np.where(np.isfinite(column), column, np.nan)
