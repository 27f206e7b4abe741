"""What an agent sees of a window: the numbers themselves, or an encoding, frozen or learned with the policy."""

from typing import Annotated, Literal

from pydantic import Field

from edgeproof.core.config import Config, Part, part
from edgeproof.models import MODELS
from edgeproof.models.gru_attention import GruAttentionConfig

__all__ = ["ENCODERS", "FrozenEncoderConfig", "LearnedEncoderConfig", "NoEncoderConfig"]


class NoEncoderConfig(Config):
    """The window's numbers, one after the other."""

    name: Literal["none"] = "none"


class FrozenEncoderConfig(Config):
    """The encodings of the run's `model`, which is trained on the run's label first, or comes from `transfer.bundle`.

    They are made once, before the agent learns. Each block of the training bars is encoded by a model that was not
    trained on it (purged folds), validation and all later bars by one trained on the whole training part.

    Attributes:
        folds: blocks of the training bars, each with a training of its own; every one a trial. Unused with a bundle.
        anchors: windows by whose encodings others are told, see `models.sight`; as many numbers are seen, and the
            model's forecast. 0: the forecast alone, of any model that is trained by gradients, `logistic` too.
    """

    name: Literal["frozen"] = "frozen"
    folds: Annotated[int, Field(ge=2, le=20)] = 3
    anchors: Annotated[int, Field(ge=0, le=1024)] = 32


class LearnedEncoderConfig(Config):
    """An encoder that begins by chance and is learned with the policy, by the gradient of its loss.

    Actor and critic share it. It is told of no symbol, and runs without dropout.

    Attributes:
        model: whose encoder it is.
    """

    name: Literal["learned"] = "learned"
    model: Annotated[Part, part(MODELS, "models")] = GruAttentionConfig(layers=1, hidden=32, attention=32)


ENCODERS: dict[str, type[Config]] = {
    "none": NoEncoderConfig,
    "frozen": FrozenEncoderConfig,
    "learned": LearnedEncoderConfig,
}
