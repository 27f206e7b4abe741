"""The settings of a search: what is varied, how the next try is drawn, what is given up, and what is looked for."""

from typing import Annotated, Any, Literal

from pydantic import Field

from edgeproof.core.config import Config

__all__ = ["Goal", "RangeConfig", "TuneConfig"]

Goal = Literal["log_loss", "f1_plus", "auc", "net_sharpe", "net_growth"]


class RangeConfig(Config):
    """A range of numbers; whole ones where both ends are whole.

    Attributes:
        low, high: its ends, both included.
        log: even over orders of magnitude.
    """

    low: int | float
    high: int | float
    log: bool = False


class TuneConfig(Config):
    """How `edgeproof tune` searches; a plain run does not look at it.

    Attributes:
        space: what is varied, by key of the config, such as `train.lr: {low: 1e-4, high: 1e-2, log: true}` or
            `model.hidden: [[64], [128, 64]]`; it comes before the default space of the key, and null leaves the key as
            it is.
        only: vary the keys of `space` alone, not those that have a default space.
        objective: figure on validation that is looked for: of a model `log_loss`, `f1_plus` or `auc` of the epoch that
            is kept, or `net_sharpe` of the best threshold; of an agent `net_growth`, in bps a bar and account, of the
            update that is kept, or `net_sharpe`; null: log_loss, and net_growth of an agent.
        sampler: `tpe` (Bergstra et al. 2011) or `random`.
        pruner: `median` gives a training up that is worse than half of those before it at the same epoch, after 10
            whole trials and not within 5 epochs (of an agent: validations); or `none`.
        trials: how many, those included that were given up or failed; null: 150 for recurrent models, else 100.
        patience: `train.patience` of every trial; null: as the config has it. An agent has none.
        seeds: further seeds that the winner is trained with, to know the spread that its lead stands beside.
    """

    space: dict[str, RangeConfig | tuple[Any, ...] | None] = Field(default_factory=dict)
    only: bool = False
    objective: Goal | None = None
    sampler: Literal["tpe", "random"] = "tpe"
    pruner: Literal["median", "none"] = "median"
    trials: Annotated[int | None, Field(ge=1, le=100_000)] = None
    patience: Annotated[int | None, Field(ge=1, le=1_000_000)] = 5
    seeds: Annotated[int, Field(ge=0, le=1000)] = 3
