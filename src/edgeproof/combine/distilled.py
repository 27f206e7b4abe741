"""Distillation: a student learns from a teacher's probabilities beside the labels (Hinton, Vinyals & Dean 2015).

A label of a market says little of its probability; a teacher's forecast says more, if the teacher did not see the
label. So the teacher of a training sample is trained on inner folds that hold the sample out.
"""

# B batch, K teachers, N samples

from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from scipy.special import expit
from torch import Tensor
from torch.nn import functional

from edgeproof.combine.inner import out_of_fold
from edgeproof.combine.lesson import Combined, Lesson, member_facts, teach
from edgeproof.combine.weights import mixture_loss
from edgeproof.core.config import Config
from edgeproof.core.errors import ConfigError
from edgeproof.core.identity import sha_array, sha_json
from edgeproof.samples.dataset import Dataset
from edgeproof.train.losses import Loss
from edgeproof.train.settings import TrainConfig

__all__ = ["DistilledConfig", "SoftLossConfig", "soft_targets"]


class SoftLossConfig(Config):
    """s T^2 H(q, p(z / T)) + (1 - s) H(y, p(z)): teacher's q = p(v / T) at temperature T, label y, H cross-entropy.

    Hinton et al. (2015), section 2, T^2 keeping both gradients in proportion. H is linear in its target, so that both
    targets enter as one, `soft_targets`, and the loss of a sample is

        s T^2 softplus(z / T) + (1 - s) softplus(z) - (s T + 1 - s) target z

    Attributes:
        temperature: T.
        share: s, of the teacher.
    """

    name: Literal["soft"] = "soft"
    temperature: float
    share: float

    def build(self, positive_share: float = 0.5) -> Loss:
        """`(logit_B, target_B) -> loss_B`; the share of positives does not matter."""
        del positive_share
        T, s = self.temperature, self.share

        def soft(logit_B: Tensor, target_B: Tensor) -> Tensor:
            both = s * T**2 * functional.softplus(logit_B / T) + (1 - s) * functional.softplus(logit_B)
            return both - (s * T + 1 - s) * target_B * logit_B

        return soft


def soft_targets(teacher_N: np.ndarray, y_N: np.ndarray, *, temperature: float, share: float) -> np.ndarray:
    """f64[N] in 0..1: (s T q + (1 - s) y) / (s T + 1 - s), all that the loss needs to know of teacher and label.

    Args:
        teacher_N: logits v of the teacher; q is the sigmoid of v / T.
        y_N: labels.
        temperature: T.
        share: s.
    """
    of_teacher = share * temperature
    return (of_teacher * expit(teacher_N / temperature) + (1 - share) * y_N) / (of_teacher + 1 - share)


class DistilledConfig(Config):
    """A student of the run's model, taught by the same model trained on inner folds.

    Attributes:
        teachers: starts whose logits are averaged (a geometric mean, Hinton et al. 2015, section 1), each trained once
            an inner fold, every one a trial.
        temperature: T; 1 mixes plain probabilities. Forecasts near one half are the same at any temperature.
        share: of the teacher in the loss; the labels have the rest.
        inner_folds: purged folds of the training part.
    """

    name: Literal["distilled"] = "distilled"
    teachers: Annotated[int, Field(ge=1, le=100)] = 1
    temperature: Annotated[float, Field(gt=0, le=100)] = 2.0
    share: Annotated[float, Field(gt=0, le=1)] = 0.7
    inner_folds: Annotated[int, Field(ge=2, le=20)] = 3

    def check(self, model: Config, loss: Config, train: TrainConfig) -> None:
        """A student descends along the gradient of a cross-entropy."""
        del train
        if hasattr(model, "fit_trees"):
            name = model.model_dump()["name"]
            raise ConfigError(f"combine distilled: trees are grown on labels, not on forecasts; {name} has no student")
        if loss.model_dump() != {"name": "bce", "label_smoothing": 0.0}:
            raise ConfigError("combine distilled: its loss is a plain cross-entropy; set loss=bce without smoothing")

    def learn(self, lesson: Lesson) -> Combined:
        """Teachers on inner folds, then the student on all training samples."""
        dataset, train = lesson.dataset, lesson.dataset.fold.train
        said_KN = out_of_fold(lesson, range(self.teachers), "teacher", count=self.inner_folds)
        teacher_N = said_KN.mean(axis=0)
        targets_N = soft_targets(
            teacher_N, dataset.y.reshape(-1)[train], temperature=self.temperature, share=self.share
        )
        loss = SoftLossConfig(temperature=self.temperature, share=self.share)
        student = replace(lesson, dataset=_with_targets(dataset, targets_N), loss=loss)
        trained = teach(student, "student", "student", rng=lesson.rng.child("student"))
        facts: dict[str, Any] = {
            "name": self.name,
            "trainings": member_facts(["student"], [trained]),
            "out_of_fold": {"folds": self.inner_folds, "samples": len(train), "log_loss": _loss(teacher_N, dataset)},
        }
        return Combined(trained, lesson.model, facts)


def _with_targets(dataset: Dataset, targets_N: np.ndarray) -> Dataset:
    """The data set whose training samples have these targets; validation keeps its labels."""
    y = dataset.y.copy()
    y.reshape(-1)[dataset.fold.train] = targets_N
    return replace(dataset, y=y, sha=sha_json([dataset.sha, sha_array(y)]))


def _loss(teacher_N: np.ndarray, dataset: Dataset) -> float:
    """Log loss of the teacher on the training samples, out of fold."""
    y_N, weight_N = (values.reshape(-1)[dataset.fold.train] for values in (dataset.y, dataset.weight))
    return mixture_loss(teacher_N[None], y_N, weight_N, np.ones(1))
