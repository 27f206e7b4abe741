"""What an agent's run left of its training, for the doctor: updates, settings, and what its failure left."""

# U updates, P members

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from edgeproof.core.container import read_container
from edgeproof.core.errors import OptionError
from edgeproof.core.files import read_json
from edgeproof.core.finding import Finding
from edgeproof.gates.agent_history import AgentKnown, members_of
from edgeproof.gates.agent_symptoms import diagnose_agent
from edgeproof.recipe.agent_known import agent_known
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.folder import RunFolder
from edgeproof.rl.settings import PpoConfig
from edgeproof.rl.standing import LAST
from edgeproof.train.failure import FAILED

__all__ = ["AgentTraining", "agent_trainings", "is_encoder"]

ENCODER = "encoder"  # folders of `recipe.sight`: trainings of models, epoch by epoch


@dataclass(frozen=True)
class AgentTraining:
    """One member's training, as the run's folder tells it.

    Attributes:
        name: `training`, or the fold's folder, and which member.
        rows: a row an update.
        known: what is known beside them.
    """

    name: str
    rows: list[dict[str, Any]]
    known: AgentKnown

    def symptoms(self) -> list[Finding]:
        """What is wrong with it."""
        return diagnose_agent(self.rows, known=self.known)


def is_encoder(place: Path) -> bool:
    """Whether a folder of checkpoints is that of an encoder that was trained before its agent."""
    return place.name == ENCODER or place.name.startswith(f"{ENCODER}-fold-")


def agent_trainings(folder: RunFolder, config: RunConfig, *, encoders: int = 0) -> list[AgentTraining]:
    """Every member of every training that left something, in the order of the folds.

    Args:
        folder: of the run.
        config: of the run.
        encoders: trainings of encoders that are there, so that none of an agent need be.

    Raises:
        OptionError: nothing is there.
    """
    places = sorted({path.parent for name in (LAST, FAILED) for path in folder.checkpoints.rglob(name)})
    found = [one for place in places if not is_encoder(place) for one in _members(place, folder, config)]
    if not found and (folder.path / "history.parquet").exists():
        rows = [dict(row) for row in folder.table("history").iter_rows(named=True)]
        found = [AgentTraining("training", rows, agent_known(config, ended=True))]
    if not found and not encoders:
        raise OptionError(f"{folder.path}: no update is on disk yet and nothing has failed; look again later")
    return found


def _members(place: Path, folder: RunFolder, config: RunConfig) -> list[AgentTraining]:
    failed = read_json(place / FAILED) if (place / FAILED).is_file() else {}
    rows: list[dict[str, Any]] = failed.get("facts", {}).get("history", [])
    if (place / LAST).is_file():
        kept = read_container(place / LAST)[1]["standing"]["history"]
        rows = kept if len(kept) >= len(rows) else [*kept, *(row for row in rows if row["update"] > len(kept))]
    name = "training" if place == folder.checkpoints else str(place.relative_to(folder.checkpoints))
    ended = len(rows) >= cast("PpoConfig", config.agent).updates
    known, tables = agent_known(config, failed, ended=ended), members_of(rows)
    names = [name] if len(tables) == 1 else [f"{name} {number}/{len(tables)}" for number in range(1, len(tables) + 1)]
    return [AgentTraining(name, table, known) for name, table in zip(names, tables, strict=True)]
