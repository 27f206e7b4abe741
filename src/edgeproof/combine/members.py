"""An ensemble: several trainings that forecast together (Hansen & Salamon 1990; Lakshminarayanan et al. 2017).

Members that differ only in their random numbers err differently; the mean of their forecasts keeps what they share.
"""

# K members, N samples

from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from edgeproof.combine.inner import inner_folds, out_of_fold
from edgeproof.combine.lesson import Combined, Lesson, best_of, member_facts, same_weights
from edgeproof.combine.starts import starts
from edgeproof.combine.weights import fit_weights, mixture_loss
from edgeproof.core.config import Config
from edgeproof.models.ensemble import Ensemble, EnsembleConfig, Rule
from edgeproof.train.epoch import part_of, score
from edgeproof.train.forecast import as_tensor
from edgeproof.train.keep import weights_sha
from edgeproof.train.loop import Trained
from edgeproof.train.settings import TrainConfig

__all__ = ["MembersConfig"]


class MembersConfig(Config):
    """Several starts whose forecasts are put together.

    Attributes:
        members: starts, each a trial.
        keep: how many of them forecast, the best by `train.loss_metric` on validation; none: all.
        rule: `mean` of the members' probabilities; `weighted` mean, its weights fitted by log loss on out-of-fold
            forecasts of training samples; `vote`, the share of members above 0.5, half a vote away from certainty.
        inner_folds: purged folds of the training part on which weights are fitted, a training and a trial each for
            every kept member; for `weighted` alone.
    """

    name: Literal["ensemble"] = "ensemble"
    members: Annotated[int, Field(le=100)] = 3
    keep: int | None = None
    rule: Rule = "mean"
    inner_folds: Annotated[int, Field(ge=2, le=20)] = 3

    @field_validator("members")
    @classmethod
    def _several(cls, members: int) -> int:
        if members < 2:
            raise ValueError("an ensemble has 2 members or more; for one model set combine=single")
        return members

    @model_validator(mode="after")
    def _kept_are_among_them(self) -> "MembersConfig":
        if self.keep is not None and not 2 <= self.keep <= self.members:
            raise ValueError(
                f"keep {self.keep} of {self.members} members; keep 2 to {self.members} of them "
                "(the best one alone: combine=multi_start)"
            )
        return self

    def check(self, model: Config, loss: Config, train: TrainConfig) -> None:
        """Nothing is refused."""
        del model, loss, train

    def learn(self, lesson: Lesson) -> Combined:
        """Train all, keep the best, weigh them, put them together."""
        if self.rule == "weighted":
            first = inner_folds(lesson, self.inner_folds)[0]  # refused before anything is trained
            if lesson.start is not None:
                lesson.rebuild(first)  # likewise where the encoder has seen what the earliest fold holds out
        labels, trained = starts(lesson, self.members, "member")
        kept = best_of(trained, lesson.train.loss_metric, self.keep or self.members)
        weights, weighed = self._weights(lesson, kept)
        ensemble = Ensemble([trained[k].model for k in kept], weights.tolist(), self.rule).eval()
        config = EnsembleConfig(of=lesson.model, members=len(kept), rule=self.rule)
        facts = {
            "name": self.name,
            "rule": self.rule,
            "trainings": member_facts(labels, trained),
            "kept": [labels[k] for k in kept],
            "weights": weights.tolist(),
            "validation": _scored(lesson, ensemble),
            **weighed,
        }
        return Combined(self._trained(lesson, trained, ensemble), config, facts)

    def _weights(self, lesson: Lesson, kept: list[int]) -> tuple[np.ndarray, dict[str, Any]]:
        """Weights of the kept members, and what the lineage says of how they were found."""
        equal = np.full(len(kept), 1 / len(kept))
        if self.rule != "weighted":
            return equal, {}
        said_KN, train = out_of_fold(lesson, kept, "member", count=self.inner_folds), lesson.dataset.fold.train
        y_N, weight_N = (values.reshape(-1)[train] for values in (lesson.dataset.y, lesson.dataset.weight))
        weights = fit_weights(said_KN, y_N, weight_N)
        losses = [mixture_loss(said_KN, y_N, weight_N, w) for w in (equal, weights)]
        inner = {"folds": self.inner_folds, "samples": len(train), "log_loss_equal": losses[0], "log_loss": losses[1]}
        return weights, {"out_of_fold": inner}

    def _trained(self, lesson: Lesson, trained: list[Trained], ensemble: Ensemble) -> Trained:
        """The whole as a training: history and checkpoint are those of its best member."""
        (best,) = best_of(trained, lesson.train.loss_metric)
        found = (finding for one in trained for finding in one.findings)
        return replace(
            trained[best],
            model=ensemble,
            sha=weights_sha(ensemble),
            seconds=sum(one.seconds for one in trained),
            findings=(*found, *same_weights(lesson.model, trained, "members")),
        )


def _scored(lesson: Lesson, ensemble: Ensemble) -> dict[str, float]:
    """The ensemble's own figures on validation, beside those of its members."""
    dataset, device = lesson.dataset, ensemble.weight.device
    part = part_of(dataset, dataset.fold.validation, device, "validation")
    figures = score(ensemble, as_tensor(dataset.x).to(device), part, window=dataset.window, epoch=0)
    return {name: figures[name] for name in ("log_loss", "auc")}
