"""The run's folder: what lies in it, how it is resumed, and how it is read back."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from edgeproof.core.config import dump_yaml, from_mapping, read_yaml
from edgeproof.core.differing import first_difference
from edgeproof.core.errors import BundleError, DataError
from edgeproof.core.files import read_json, write_bytes, write_json, write_text
from edgeproof.core.finding import Finding
from edgeproof.core.identity import sha_json
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.steps import GATES
from edgeproof.report.run import RunData
from edgeproof.train.failure import FAILED
from edgeproof.train.keep import LAST
from edgeproof.verdict.ready import json_ready

__all__ = ["RunFolder", "findings_sha"]

ASKED = "asked.yaml"


def findings_sha(findings: Sequence[Finding]) -> str:
    """Hash of what every check saw; the bundle carries it, so that a finding cannot be taken out afterwards."""
    return sha_json(json_ready([finding.to_json() for finding in findings]))


@dataclass(frozen=True)
class RunFolder:
    """Paths and contents of one run.

    `run.json` says which market and workspace the run belongs to and, once training is done, what the verdict needs
    of it; a folder without a finished `run.json` is resumed.
    """

    path: Path

    @property
    def bundle(self) -> Path:
        """The trained model."""
        return self.path / "bundle"

    @property
    def checkpoints(self) -> Path:
        """The training's checkpoints."""
        return self.path / "checkpoints"

    @property
    def steps(self) -> Path:
        """What the steps tried that a profile adds to the training of the config as it is."""
        return self.path / "steps"

    @property
    def asked_place(self) -> Path:
        """Where the config lies that was asked for."""
        place = self.path / ASKED
        return place if place.is_file() else self.path / "config.yaml"

    def begin(self, config: RunConfig, identity: dict[str, Any]) -> None:
        """Claim the folder for a config, or find it claimed by the same one.

        Raises:
            DataError: the folder holds another run or something else.
        """
        if (self.path / "config.yaml").exists():
            earlier = self.asked()
            other = [name for name, value in identity.items() if self.state()["identity"].get(name) != value]
            if earlier.anywhere() != config.anywhere():  # hashes say which bars they are, wherever they lie
                other.append("config")
            if earlier.gates.tries() != config.gates.tries():
                other.append("profile or budget")
            if not other:
                return
            if not self._nothing_learned():
                found = first_difference(
                    earlier.anywhere().model_dump(mode="json"), config.anywhere().model_dump(mode="json")
                )
                said = f"{' and '.join(other)}{f' ({found})' if found else ''}"
                raise DataError(f"{self.path}: holds a run of another {said}; choose another --out")
            for name in ("checkpoints", "steps", "tracking"):
                shutil.rmtree(self.path / name, ignore_errors=True)
            (self.path / GATES).unlink(missing_ok=True)
        elif self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise DataError(f"{self.path}: already there and not a run; choose another --out")
        write_json(self.path / "run.json", {"identity": identity})
        write_text(self.path / "config.yaml", dump_yaml(config))

    def _nothing_learned(self) -> bool:
        """Whether a check stopped this run, or its first epoch failed: the corrected command may take the folder."""
        places = (self.checkpoints, self.steps)
        failed, last = (any(any(place.rglob(name)) for place in places) for name in (FAILED, LAST))
        return (failed or self._stopped()) and not last

    def _stopped(self) -> bool:
        """Whether a check stopped the run before its training."""
        return (self.path / GATES).is_file() and read_json(self.path / GATES)["stopped"] is not None

    def choose(self, config: RunConfig) -> None:
        """Let the run be one of another config than was asked for, which stays in `asked.yaml`."""
        asked = self.path / ASKED
        if not asked.is_file():
            write_text(asked, (self.path / "config.yaml").read_text(encoding="utf-8"))
        write_text(self.path / "config.yaml", dump_yaml(config))

    def asked(self) -> RunConfig:
        """The config that was asked for: that of the model, unless steps of the run have chosen another one."""
        return from_mapping(RunConfig, read_yaml(self.asked_place), source=str(self.asked_place))

    def config(self) -> RunConfig:
        """The resolved config of the run's model.

        Raises:
            ConfigError: missing or not readable.
        """
        return from_mapping(RunConfig, read_yaml(self.path / "config.yaml"), source=str(self.path / "config.yaml"))

    def state(self) -> dict[str, Any]:
        """What `run.json` says.

        Raises:
            DataError: this is not a run's folder.
        """
        if not (self.path / "run.json").is_file():
            raise DataError(f"{self.path}: not a run's folder (no run.json); give the --out of `edgeproof run`")
        body = read_json(self.path / "run.json")
        if not isinstance(body, dict) or not isinstance(body.get("identity"), dict):
            raise DataError(f"{self.path / 'run.json'}: altered or damaged; run again with another --out")
        return body

    def abandon(self) -> None:
        """Give up a claim under which nothing was trained, so that the corrected command can take the folder."""
        if self.checkpoints.exists() or self.steps.exists() or self.trained:
            return
        for name in ("run.json", "config.yaml", GATES):
            (self.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.path / "tracking", ignore_errors=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def update(self, **facts: Any) -> None:
        """Add facts to `run.json`."""
        write_json(self.path / "run.json", self.state() | facts)

    @property
    def trained(self) -> bool:
        """Whether training and its thresholds are finished and stored."""
        return bool(self.state().get("trained"))

    def write_table(self, name: str, frame: pl.DataFrame) -> None:
        """Write `NAME.parquet` atomically."""
        import io

        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd")
        write_bytes(self.path / f"{name}.parquet", buffer.getvalue())

    def table(self, name: str) -> pl.DataFrame:
        """Read `NAME.parquet`.

        Raises:
            DataError: missing or damaged.
        """
        path = self.path / f"{name}.parquet"
        try:
            return pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{path}: cannot be read; run `edgeproof run` again with another --out") from error

    def optional(self, name: str) -> pl.DataFrame:
        """Read a table that not every run has; empty where there is none."""
        return self.table(name) if (self.path / f"{name}.parquet").exists() else pl.DataFrame()

    def write_span(self, name: str, frame: pl.DataFrame, span: str, *, by: str = "close_time") -> None:
        """Put one span's rows into a table, in place of that span's earlier rows; in order of `by`."""
        path = self.path / f"{name}.parquet"
        kept = self.table(name).filter(pl.col("span") != span) if path.exists() else frame.clear()
        self.write_table(name, pl.concat([kept, frame]).sort(by, maintain_order=True))

    def write_findings(self, findings: Sequence[Finding]) -> None:
        """Store what every check saw."""
        write_json(self.path / "findings.json", json_ready([finding.to_json() for finding in findings]))

    def findings(self) -> list[Finding]:
        """What every check saw."""
        return [Finding.from_json(body) for body in read_json(self.path / "findings.json")]

    def gates(self) -> dict[str, Any] | None:
        """What the steps of the recipe saw; None of a run without gates."""
        place = self.path / GATES
        return read_json(place) if place.is_file() else None

    def data(self, title: str, verdict: dict[str, Any] | None = None) -> RunData:
        """Everything that the report is made of; the verdict is the stored one unless it is given."""
        state = self.state()
        return RunData(
            verdict=read_json(self.path / "verdict.json") if verdict is None else verdict,
            history=self.table("history"),
            predictions=self.table("predictions"),
            track=self.table("track"),
            trades=self.optional("trades"),
            findings=self.findings(),
            config_yaml=(self.path / "config.yaml").read_text(encoding="utf-8"),
            title=title,
            thresholds=state.get("thresholds", []),
            paths=self.optional("paths"),
            episodes=self.optional("episodes"),
            gates=self.gates(),
        )

    def require_bundle(self) -> Path:
        """The bundle of a finished training.

        Raises:
            BundleError: the run was interrupted before it had one.
        """
        if not self.trained:
            raise BundleError(f"{self.path}: training is not finished; run `edgeproof run` again to resume it")
        return self.bundle
