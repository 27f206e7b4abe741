"""Losses of one logit against one label, a value a sample; the loop weighs and averages them."""

# B batch

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from edgeproof.core.config import Config, Tune

__all__ = ["BceConfig", "FocalConfig", "Loss"]

Loss = Callable[[Tensor, Tensor], Tensor]
"""`(logit_B, y_B) -> loss_B`."""


class BceConfig(Config):
    """Binary cross-entropy: -y log p - (1 - y) log(1 - p), in nats."""

    name: Literal["bce"] = "bce"

    def build(self) -> Loss:
        """`(logit_B, y_B) -> loss_B`."""
        return _bce


class FocalConfig(Config):
    """Focal loss: -alpha_t (1 - p_t)^gamma log p_t (Lin et al. 2017, eq. 5).

    p_t is the probability of what happened; alpha_t is alpha for positives and 1 - alpha for negatives. It turns the
    attention to rare positives; its probabilities are not calibrated.

    Attributes:
        alpha: weight of positives; none: no weighing (eq. 4).
        gamma: how fast easy samples fade; 0 with alpha off is binary cross-entropy.
    """

    name: Literal["focal"] = "focal"
    alpha: Annotated[float | None, Field(gt=0, lt=1), Tune(0.2, 0.5)] = 0.25
    gamma: Annotated[float, Field(ge=0), Tune(1.5, 4.0)] = 2.0

    def build(self) -> Loss:
        """`(logit_B, y_B) -> loss_B`."""
        alpha, gamma = self.alpha, self.gamma

        def focal(logit_B: Tensor, y_B: Tensor) -> Tensor:
            signed = (2 * y_B - 1) * logit_B
            faded = (gamma * functional.logsigmoid(-signed)).exp()  # (1 - p_t)^gamma without a difference of numbers
            loss = -faded * functional.logsigmoid(signed)
            return loss if alpha is None else loss * (1 - alpha + (2 * alpha - 1) * y_B)

        return focal


def _bce(logit_B: Tensor, y_B: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logit_B, y_B, reduction="none")
