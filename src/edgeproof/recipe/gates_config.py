"""Which steps of the recipe a run walks, and what a failed check does."""

from typing import Annotated, Literal

from pydantic import Field

from edgeproof.core.config import Config

__all__ = ["GatesConfig", "Profile"]

Profile = Literal["quick", "standard", "full", "none"]


class GatesConfig(Config):
    """How closely a run is looked at before its model is believed, and what is tried beside the config as it is.

    Attributes:
        profile: `quick`: data, skeleton and overfit are checked before the one training; `standard`: also regularisers
            and learning rates are tried; `full`: also a search and what squeezing gives, within `minutes` and `trials`;
            `none`: nothing is checked.
        mode: what a check of level error does before training: `stop` the run, or `warn` and go on.
        minutes: most time of all that `full` tries; a training that would overrun is not begun, and the search leaves
            two fifths to what squeezes; none: its number of trials alone ends the search.
        trials: of that search.
    """

    profile: Profile = "quick"
    mode: Literal["stop", "warn"] = "stop"
    minutes: Annotated[float | None, Field(gt=0)] = None
    trials: Annotated[int, Field(ge=1)] = 20

    def tries(self) -> tuple[object, ...]:
        """What of it a model may depend on: nothing where only checks are made."""
        if self.profile == "full":
            return (self.profile, self.minutes, self.trials)
        return (self.profile,) if self.profile == "standard" else ()

    def unasked(self) -> "GatesConfig":
        """The same trainings without checks, or without a check that stops: of a run among many of the same kind."""
        return self.model_copy(update={"mode": "warn"} if self.tries() else {"profile": "none"})
