"""Losses of one logit against one label, a value a sample; the loop weighs and averages them.

Every loss can be smoothed: (1 - e/2) loss(z, y) + e/2 loss(z, 1 - y), for cross-entropy the label smoothing of Szegedy
et al. 2016 (section 7, two classes): no forecast is asked to be certain. It costs calibration; 0.1 is the usual e.
"""

# B batch

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from edgeproof.core.config import Config, Tune

__all__ = ["BceConfig", "FocalConfig", "Loss", "WeightedBceConfig"]

Loss = Callable[[Tensor, Tensor], Tensor]
"""`(logit_B, y_B) -> loss_B`."""

Smoothing = Annotated[float, Field(ge=0, lt=1)]


class BceConfig(Config):
    """Binary cross-entropy: -y log p - (1 - y) log(1 - p), in nats.

    Attributes:
        label_smoothing: e of the first lines of this file.
    """

    name: Literal["bce"] = "bce"
    label_smoothing: Smoothing = 0.0

    def build(self, positive_share: float = 0.5) -> Loss:
        """`(logit_B, y_B) -> loss_B`; the share of positives does not matter."""
        del positive_share
        return _smooth(_bce, self.label_smoothing)


class WeightedBceConfig(Config):
    """Binary cross-entropy in which both classes count alike: weights n / n_class (King & Zeng 2001, eq. 7, at 0.5).

    Its probabilities are those of a world in which half of the labels are positive, not calibrated to this one.

    Attributes:
        label_smoothing: e of the first lines of this file.
    """

    name: Literal["weighted_bce"] = "weighted_bce"
    label_smoothing: Smoothing = 0.0

    def build(self, positive_share: float = 0.5) -> Loss:
        """`(logit_B, y_B) -> loss_B` with weight 1 / share for positives and 1 / (1 - share) for negatives."""
        positive, negative = 1 / positive_share, 1 / (1 - positive_share)

        def weighted(logit_B: Tensor, y_B: Tensor) -> Tensor:
            return _bce(logit_B, y_B) * (negative + (positive - negative) * y_B)

        return _smooth(weighted, self.label_smoothing)


class FocalConfig(Config):
    """Focal loss: -alpha_t (1 - p_t)^gamma log p_t (Lin et al. 2017, eq. 5).

    p_t is the probability of what happened; alpha_t is alpha for positives and 1 - alpha for negatives. It turns the
    attention to rare positives; its probabilities are not calibrated.

    Attributes:
        alpha: weight of positives; none: no weighing (eq. 4).
        gamma: how fast easy samples fade; 0 with alpha off is binary cross-entropy.
        label_smoothing: e of the first lines of this file.
    """

    name: Literal["focal"] = "focal"
    alpha: Annotated[float | None, Field(gt=0, lt=1), Tune(0.2, 0.5)] = 0.25
    gamma: Annotated[float, Field(ge=0), Tune(1.5, 4.0)] = 2.0
    label_smoothing: Smoothing = 0.0

    def build(self, positive_share: float = 0.5) -> Loss:
        """`(logit_B, y_B) -> loss_B`; the share of positives does not matter."""
        del positive_share
        alpha, gamma = self.alpha, self.gamma

        def focal(logit_B: Tensor, y_B: Tensor) -> Tensor:
            signed = (2 * y_B - 1) * logit_B
            faded = (gamma * functional.logsigmoid(-signed)).exp()  # (1 - p_t)^gamma without a difference of numbers
            loss = -faded * functional.logsigmoid(signed)
            return loss if alpha is None else loss * (1 - alpha + (2 * alpha - 1) * y_B)

        return _smooth(focal, self.label_smoothing)


def _bce(logit_B: Tensor, y_B: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logit_B, y_B, reduction="none")


def _smooth(loss: Loss, share: float) -> Loss:
    if share == 0:
        return loss
    return lambda logit_B, y_B: (1 - share / 2) * loss(logit_B, y_B) + share / 2 * loss(logit_B, 1 - y_B)
