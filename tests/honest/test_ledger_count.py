"""The count of trials cannot be lowered: not by a new folder, a copy, new names, or by deleting what was done."""

import ast
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgeproof.core.clock import DAY_NS, HOUR_NS
from edgeproof.core.errors import LedgerError
from edgeproof.ledger.fingerprint import Fingerprints, fingerprint_closes
from edgeproof.ledger.seal import open_span
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.trials import Trial, record_training, record_trials, trials_of
from edgeproof.ledger.workspace import VARIABLE, find_workspace
from tests.unit.ledger.cases import clock, coarser, walk

SOURCE = Path(__file__).resolve().parents[2] / "src" / "edgeproof"
BARS = 24 * 70
VALIDATION = clock(BARS)[800:1200] + HOUR_NS


def import_market(folder: Path, names: dict[int, str], step_ns: int = HOUR_NS, bars: int = BARS) -> Path:
    """A market as files: one symbol a seed."""
    folder.mkdir(parents=True)
    for seed, name in names.items():
        time, close = coarser(clock(bars), walk(seed, bars), step_ns)
        np.savez(folder / f"{name}.npz", time=time, close=close)
    return folder


def prints_of(folder: Path) -> Fingerprints:
    found = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            found[path.stem] = fingerprint_closes(arrays["time"], arrays["close"])
    return Fingerprints(found)


def run(market: Path, out: Path, seed: int) -> int:
    """What a run does to the ledger; answers the count that its verdict sees."""
    prints, ledger = prints_of(market), Ledger(find_workspace(None, market))
    with np.load(next(market.glob("*.npz"))) as arrays:
        time = arrays["time"]
    close_time = time + int(np.diff(time).min())
    span = open_span(ledger, prints, close_time=close_time, sealed_share=0.2, bars_hash=prints.hash)
    training = Trial("logistic", seed, "data")
    record_training(ledger, span.market, training)
    thetas = [Trial(f"logistic theta {k}", seed, "data", parent=training.id) for k in range(20)]
    returns = np.random.default_rng(seed).normal(0, 0.01, (400, 20))
    record_trials(ledger, span.market, thetas, returns, VALIDATION)
    table = trials_of(ledger, prints)
    out.mkdir(parents=True)
    (out / "verdict.json").write_text(json.dumps({"trials": table.count}))
    return table.count


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(VARIABLE, raising=False)
    import_market(tmp_path / "markets" / "crypto", {1: "BTC", 2: "ETH"})
    return tmp_path


@pytest.fixture
def crypto(work: Path) -> Path:
    assert run(work / "markets" / "crypto", work / "runs" / "one", seed=1) == 20
    return work / "markets" / "crypto"


def test_the_same_run_in_a_new_folder_is_the_same_trials_and_another_seed_is_not(work: Path, crypto: Path):
    assert run(crypto, work / "runs" / "two", seed=1) == 20
    assert run(crypto, work / "elsewhere" / "three", seed=2) == 40


def test_a_deleted_run_stays_counted(work: Path, crypto: Path):
    shutil.rmtree(work / "runs")
    assert run(crypto, work / "runs" / "two", seed=2) == 40


def test_a_copied_and_a_deleted_market_stay_counted(work: Path, crypto: Path):
    copy = work / "markets" / "other"
    shutil.copytree(crypto, copy)
    shutil.rmtree(crypto)
    assert run(copy, work / "runs" / "two", seed=2) == 40
    moved = work / "markets" / "deep" / "below" / "market"
    shutil.copytree(copy, moved)
    assert run(moved, work / "runs" / "three", seed=3) == 60


@pytest.mark.usefixtures("crypto")
def test_renamed_fewer_more_or_coarser_symbols_stay_counted(work: Path):
    markets = work / "markets"
    assert run(import_market(markets / "renamed", {1: "XXX", 2: "YYY"}), work / "runs" / "2", seed=2) == 40
    assert run(import_market(markets / "one", {2: "ETH"}), work / "runs" / "3", seed=3) == 60
    assert run(import_market(markets / "more", {2: "A", 5: "B", 6: "C"}), work / "runs" / "4", seed=4) == 80
    # runs 1 to 4 hold ETH, runs 1 and 2 hold BTC
    assert run(import_market(markets / "4h", {1: "BTC"}, 4 * HOUR_NS), work / "runs" / "5", seed=5) == 60
    assert run(import_market(markets / "1d", {2: "ETH"}, DAY_NS), work / "runs" / "6", seed=6) == 100
    assert run(import_market(markets / "longer", {1: "B"}, bars=BARS + 500), work / "runs" / "7", seed=7) == 80
    assert run(import_market(markets / "shorter", {1: "B"}, bars=BARS - 400), work / "runs" / "8", seed=8) == 100
    assert run(import_market(markets / "both", {1: "B", 2: "A"}), work / "runs" / "9", seed=9) == 180


def test_bars_that_were_never_used_have_a_count_of_their_own(work: Path):
    assert run(import_market(work / "markets" / "new", {7: "BTC", 8: "ETH"}), work / "runs" / "2", seed=1) == 20


def test_deleted_returns_are_an_error_not_a_lower_count(work: Path, crypto: Path):
    for path in (work / "markets" / ".edgeproof" / "returns").iterdir():
        path.unlink()
    with pytest.raises(LedgerError, match="missing"):
        run(crypto, work / "runs" / "two", seed=2)


def test_deleted_prints_are_an_error_not_a_lower_count(work: Path, crypto: Path):
    shutil.rmtree(work / "markets" / ".edgeproof" / "fingerprints")
    with pytest.raises(LedgerError, match="cannot be read"):
        run(crypto, work / "runs" / "two", seed=2)


@pytest.mark.parametrize("row", range(22))
def test_no_row_can_be_taken_out(work: Path, crypto: Path, row: int):
    path = work / "markets" / ".edgeproof" / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:row] + lines[row + 1 :]))
    with pytest.raises(LedgerError):
        trials_of(Ledger(work / "markets"), prints_of(crypto))


def test_an_edited_score_is_detected(work: Path, crypto: Path):
    path = work / "markets" / ".edgeproof" / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"seed":1', b'"seed":7', 1))
    with pytest.raises(LedgerError, match="row 2 was edited"):
        run(crypto, work / "runs" / "two", seed=2)


def test_no_public_function_takes_the_number_of_trials():
    forbidden = {"trials", "n_trials", "num_trials", "number_of_trials", "trial_count", "count_of_trials"}
    packages = ("ledger", "verdict", "recipe", "cli", "train", "backtest", "evaluate")
    seen = 0
    for path in (path for name in packages for path in (SOURCE / name).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            seen += 1
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            numbers = {
                one.arg
                for one in arguments
                if one.annotation is None or ast.unparse(one.annotation).split(" | ")[0] in ("int", "float")
            }
            assert not numbers & forbidden, f"{path.name}: {node.name} takes {sorted(numbers & forbidden)}"
    assert seen > 20
