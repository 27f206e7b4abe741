"""What a run augments: which kinds, in how many copies for training, and how many at the forecast."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from edgeproof.core.catalog import lookup
from edgeproof.core.config import Config, Part, part
from edgeproof.core.errors import ConfigError
from edgeproof.samples.augment import AUGMENTATIONS

__all__ = ["AugmentConfig"]


def _listed(kinds: Any) -> Any:
    """A list, or a refusal that shows how one is written."""
    if isinstance(kinds, str):
        lookup(AUGMENTATIONS, "augmentations", kinds)  # a wrong name is told as one
    if isinstance(kinds, str | Mapping):
        raise ConfigError(f"augment.kinds is a list: write [{kinds if isinstance(kinds, str) else '{name: ...}'}]")
    return kinds


class AugmentConfig(Config):
    """Copies of the bars with something done to them, their features built anew; none by default.

    Attributes:
        kinds: what is done to the bars of a copy, one after the other: a list of names, or of mappings where a kind's
            own keys are set, such as `{name: volume, share: 0.2}`; each kind once.
        copies: copies for training, each S T F float32: 8 symbols of 20,000 bars and 23 features take 15 MB.
        share: of the training samples of an epoch that are read from a copy, each from one drawn anew; the rest are
            clean.
        at_forecast: copies beside the clean bars over which a forecast's logit is averaged, now and wherever the
            bundle is used; of the kinds that leave a sample in its place (`price_jitter`, `volume`).
    """

    kinds: Annotated[tuple[Annotated[Part, part(AUGMENTATIONS, "augmentations")], ...], BeforeValidator(_listed)] = ()
    copies: Annotated[int, Field(ge=0, le=64)] = 0
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    at_forecast: Annotated[int, Field(ge=0, le=64)] = 0

    @property
    def forecasting(self) -> tuple[Config, ...]:
        """The kinds that a forecast's copies are made by."""
        return tuple(kind for kind in self.kinds if getattr(kind, "when_forecasting", False))

    def check(self, window: int, model: Config) -> None:
        """Whether this model can be trained on such copies with this window.

        Raises:
            ValueError: it cannot.
        """
        if self.copies and hasattr(model, "fit_trees"):
            raise ValueError(
                f"augment.copies={self.copies}: the trees of {model.model_dump()['name']} are grown on every sample at "
                "once and draw no copies; set augment.copies=0 (augment.at_forecast works)"
            )
        for kind in self.kinds:
            if hasattr(kind, "check"):
                kind.check(window)  # pyright: ignore[reportAttributeAccessIssue] - has it

    @model_validator(mode="after")
    def _does_something(self) -> "AugmentConfig":
        names = [str(kind.model_dump()["name"]) for kind in self.kinds]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"kinds: {name!r} is listed twice; remove one")
        if not names and (self.copies or self.at_forecast):
            asked = "copies" if self.copies else "at_forecast"
            raise ValueError(f"{asked} without kinds: name what is done to the bars, such as kinds=[price_jitter]")
        if names and not (self.copies or self.at_forecast):
            raise ValueError(f"kinds {', '.join(names)} without copies does nothing: set copies=2, or at_forecast=4")
        if self.at_forecast and not self.forecasting:
            raise ValueError(
                f"at_forecast={self.at_forecast}: none of {', '.join(names)} can be done to bars of a forecast; add "
                "price_jitter or volume to kinds, or set at_forecast=0"
            )
        return self
