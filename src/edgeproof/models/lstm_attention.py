"""An LSTM over the window, self-attention over its states, and a symbol embedding."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from edgeproof.core.config import Config, Tune
from edgeproof.models.heads import Classifier
from edgeproof.models.recurrent import TUNES, Readout, attention_model

__all__ = ["LstmAttentionConfig"]


class LstmAttentionConfig(Config):
    """286,969 parameters at L = 24, F = 23 and 143 assets.

    Attributes:
        layers: of the LSTM, one above the other.
        hidden: numbers of its state.
        attention: width of queries, keys and values together.
        heads: that share it.
        readout: what is read off the states: the `last` one, or classically their `mean` over time.
        dense: width of the layer behind, where the symbol's embedding joins.
        dropout: between the LSTM's layers and before the head (Srivastava et al. 2014).
        embedding: numbers a symbol.
    """

    tunes: ClassVar[dict[str, Tune]] = TUNES
    search_trials: ClassVar[int] = 150
    name: Literal["lstm_attention"] = "lstm_attention"
    layers: Annotated[int, Field(ge=1, le=16), Tune(choices=(1, 2, 3))] = 2
    hidden: Annotated[int, Field(ge=1, le=65536), Tune(choices=(64, 128, 256))] = 128
    attention: Annotated[int, Field(ge=1, le=65536), Tune(choices=(32, 64, 128))] = 128
    heads: Annotated[int, Field(ge=1), Tune(choices=(2, 4, 8))] = 4
    readout: Readout = "last"
    dense: Annotated[int, Field(ge=1, le=65536)] = 64
    dropout: Annotated[float, Field(ge=0, lt=1), Tune(0.2, 0.5)] = 0.4
    embedding: Annotated[int, Field(ge=1, le=4096)] = 8

    @model_validator(mode="after")
    def _heads_share_evenly(self) -> Any:
        if self.attention % self.heads:
            raise ValueError(f"{self.heads} heads cannot share an attention width of {self.attention} evenly")
        return self

    def build(self, n_features: int, window: int, n_assets: int) -> Classifier:
        """The module `forward(x_BLF, asset_B) -> logit_B`; it runs over windows of any length."""
        del window
        return attention_model("lstm", self, n_features, n_assets)
