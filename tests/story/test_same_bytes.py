"""Two processes with different hash seeds, and one that is killed twenty times, leave the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edgeproof.core.container import read_container

BODY: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [8, 4], "embedding": 2},
    "window": 6,
    "decide_every": 2,
    "features": ["log_return_1", "log_return_6", "log_volatility_24"],
    "train": {"epochs": 3, "batch_size": 64, "average": "ema"},
    "costs": {"commission_bps": 4.0, "half_spread_bps": 1.0},
}


def words(place: Path, market: Path, body: dict[str, Any]) -> list[str]:
    """`run` in a workspace of its own."""
    place.mkdir(exist_ok=True)
    config = place / "config.yaml"
    config.write_text(yaml.safe_dump(body))
    said = ("run", config, "--market", market, "--exit-zero", "--out", place / "run", "--workspace", place)
    return [str(word) for word in said]


def begun(place: Path, market: Path, body: dict[str, Any], hash_seed: int) -> subprocess.Popen[bytes]:
    """`edgeproof run` in a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    command = [sys.executable, "-m", "edgeproof", *words(place, market, body)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def left(place: Path) -> dict[str, Any]:
    """All that a run leaves, without times of day and durations."""
    run = place / "run"
    verdict = json.loads((run / "verdict.json").read_text())
    del verdict["seconds"]
    rows = [json.loads(line) for line in (place / ".edgeproof" / "ledger.jsonl").read_text().splitlines()]
    tables = ("predictions", "track", "trades")
    return {
        "verdict": verdict,
        "rows": [(row["seq"], row["kind"], row["body"]) for row in rows],
        "returns": sorted(path.name for path in (place / ".edgeproof" / "returns").iterdir()),
        "bundle": (run / "bundle" / "bundle.json").read_bytes(),
        "weights": (run / "bundle" / "weights.safetensors").read_bytes(),
        "tables": [(run / f"{name}.parquet").read_bytes() for name in tables],
        "findings": (run / "findings.json").read_bytes(),
    }


def test_different_hash_seeds_leave_the_same_bytes(edgeproof, tiny_market: Path, tmp_path: Path):
    """Here and in a process of another seed; the seed of this one is drawn when Python starts, if nobody gave it."""
    assert edgeproof(*words(tmp_path / "here", tiny_market, BODY)).status == 0
    other = 2 if os.environ.get("PYTHONHASHSEED") == "1" else 1
    with begun(tmp_path / "there", tiny_market, BODY, other) as process:
        assert process.wait(timeout=300) == 0
    assert left(tmp_path / "here") == left(tmp_path / "there")


class Blows:
    """Twenty moments at which a run is struck: before its training, within an epoch, and after the last."""

    def __init__(self, place: Path, epochs: int, epoch_seconds: float) -> None:
        self.last, self.epochs, self.seconds = place / "run" / "checkpoints" / "last.safetensors", epochs, epoch_seconds
        self.moments = np.random.default_rng(20261121)

    def epoch(self) -> int:
        return read_container(self.last)[1]["memory"]["epoch"] if self.last.exists() else 0

    def wait(self, number: int, process: subprocess.Popen[bytes]) -> None:
        """Until the moment of blow `number` has come."""
        draw = float(self.moments.uniform())
        aim = 0 if number < 3 else self.epochs if number >= 17 else self.epoch() + 1
        while number >= 3 and self.epoch() < aim and process.poll() is None:
            time.sleep(0.005)
        time.sleep(draw * (6.0 if number < 3 else 0.6 if number >= 17 else self.seconds))


@pytest.mark.slow
def test_a_run_killed_twenty_times_leaves_the_bytes_of_one_left_alone(tiny_market: Path, tmp_path: Path):
    epochs = 60
    body = BODY | {"decide_every": 1, "train": BODY["train"] | {"epochs": epochs, "batch_size": 16, "patience": None}}
    with begun(tmp_path / "alone", tiny_market, body, 1) as process:
        assert process.wait(timeout=600) == 0
    spent = json.loads((tmp_path / "alone" / "run" / "verdict.json").read_text())["seconds"]["train"]
    place = tmp_path / "struck"
    blows, alive, seen = Blows(place, epochs, spent / epochs), 0, []
    for number in range(20):
        with begun(place, tiny_market, body, number + 2) as process:
            blows.wait(number, process)
            alive += process.poll() is None
            process.send_signal(signal.SIGKILL)
        seen.append(blows.epoch())
    assert alive >= 18, "the run ended before it could be struck"
    assert len({epoch for epoch in seen if 0 < epoch < epochs}) >= 10, seen
    with begun(place, tiny_market, body, 0) as process:
        assert process.wait(timeout=600) == 0
    assert left(place) == left(tmp_path / "alone")
    kept = [path.name for path in (place / "run" / "checkpoints").iterdir()]
    assert len(kept) == 4, kept  # three best, last, and no remains of a broken write
