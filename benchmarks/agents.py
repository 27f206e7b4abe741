"""What agents learn on known truth: their net growth beside the best policy's, the return's noise integrated out.

Run: make bench NAME=agents ARGS="--out FOLDER --rows linear"      (rows: any words that a row's line contains)
A row that stands in FOLDER/rows.jsonl is not computed again; --table prints what stands there.

One account a symbol, positions -1, 0 and 1, log growth after 10 bps a side, the likeliest action; over the validation
bars of the hold-out split, the last 20% sealed and closed. `share` is the agent's gain over that of the best policy on
the same bars, `turnover` over that of a policy that draws its position anew at every bar (8/9 of a position).
"""

# S symbols, T bars

import argparse
import json
import shutil
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from edgeproof.core.device import prepare_environment

prepare_environment()

import numpy as np

from edgeproof.core.device import set_threads
from edgeproof.core.progress import silent
from edgeproof.data.store import Market, open_market
from edgeproof.data.synthetic import make_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.learn import learn, proven_folds
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.templates import template_body
from edgeproof.recipe.trade import choose
from edgeproof.truth.stated import Stated
from edgeproof.truth.trading import MarketOptimum, evaluate_policy, market_optimum

__all__ = ["FLOORS", "Row", "measure", "plan"]

COST_BPS = 10.0
LEAST_BPS = 0.01  # a best policy that earns less is flat, and has no share
BANDED = "logistic and the optimum's band"
BY_CHANCE = 8.0 / 9.0  # turnover of a position drawn anew at every bar
COSTS = (f"costs.commission_bps={COST_BPS}", "costs.half_spread_bps=0")
AGENT = (
    "features=[close_location,body_share]",
    "agent.net.actor=[64,64]",
    "agent.net.critic=[64,64]",
    "agent.total_steps=8000000",
    "agent.lr=1e-3",
)
# what the median of five seeds has to reach
FLOORS = {"linear": 0.85, "costly": 0.80}
SETTINGS: dict[str, tuple[str, ...]] = {
    "linear": ("agent.gamma=0.9", "agent.entropy=0.001"),
    "costly": ("agent.gamma=0.95", "agent.gae_lambda=0.9"),
}

# one setting for all kinds, chosen on the markets of seed 2
COMMON = ("agent.gamma=0.9", "agent.gae_lambda=0.8", "agent.entropy=0.003")

# 552 numbers of which few matter, in 96,000 bars: a logistic regression reads them, the agent learns when to act on it;
# chosen on the market of seed 2
FORECAST = (
    "agent.encoder={name: frozen, folds: 6, anchors: 0}",
    "model=logistic",
    "loss=bce",
    "train.epochs=15",
    "train.batch_size=1024",
    "train.lr=3e-3",
    "agent.net.actor=[32]",
    "agent.net.critic=[32]",
    "agent.total_steps=1500000",
    "agent.lr=1e-3",
    "agent.gamma=0.9",
    "agent.gae_lambda=0.9",
    "agent.entropy=0.001",
    "agent.steps=32",
)


@dataclass(frozen=True)
class Row:
    """One training: a kind of market, its size, what learns (an agent, or a model), a seed."""

    kind: str
    symbols: int
    bars: int
    learner: str
    seed: int
    overrides: tuple[str, ...]

    @property
    def line(self) -> str:
        """The row in words, unique."""
        return f"{self.kind}, {self.symbols} x {self.bars:,} | {self.learner} | seed {self.seed}"


def plan() -> list[Row]:
    """Every row of the table."""
    kinds, own = (*FLOORS, "noise", "dead"), SETTINGS
    rows = [
        Row(kind, 32, 50_000, "agent", seed, (*AGENT, *own.get(kind, ()))) for kind in kinds for seed in range(1, 6)
    ]
    rows += [Row(kind, 32, 50_000, "agent, common", seed, (*AGENT, *COMMON)) for kind in kinds for seed in range(1, 6)]
    rows += [Row("linear", 8, 20_000, "agent on forecasts, hourly23", seed, FORECAST) for seed in range(1, 4)]
    return [*rows, Row("linear", 8, 20_000, BANDED, 1, ())]


def market_of(row: Row, folder: Path) -> Market:
    """The row's market, made on first use; seeds are those of the agents, the market is one."""
    place = folder / f"{row.kind}-{row.symbols}x{row.bars}"
    return (
        open_market(place)
        if place.exists()
        else make_market(row.kind, place, symbols=row.symbols, bars=row.bars, seed=1)
    )


def config_of(row: Row) -> RunConfig:
    """The row's config."""
    template = "rl_training" if row.learner.startswith("agent") else "logistic_baseline"
    return load_run_config(template_body(template), [*COSTS, *row.overrides, f"seed={row.seed}"])


def measure(row: Row, folder: Path) -> dict[str, Any]:
    """Train as a run would, and set the positions on validation beside the best policy's."""
    config, market, ledger = config_of(row), market_of(row, folder / "markets"), Ledger(folder)
    span = open_bars(config, market, ledger)
    prepared = prepare(config, market, span, cache=folder / "cache")
    (fold,) = proven_folds(config, prepared)
    checkpoints = folder / "checkpoints" / row.line.replace(" ", "_").replace("|", "").replace(",", "")
    wall, cpu = time.perf_counter(), time.process_time()
    learned = learn(config, prepared, ledger, fold, market=span.market, folder=checkpoints, write=silent)
    seconds = {"cpu_seconds": round(time.process_time() - cpu, 1), "seconds": round(time.perf_counter() - wall, 1)}
    shutil.rmtree(checkpoints)
    assert prepared.stated is not None
    stated, bars = _cut(prepared.stated, learned.bars), learned.bars
    best = market_optimum(market.manifest.truth, prepared.stated, cost_bps=COST_BPS)
    held = _banded(best, stated, learned) if row.learner == BANDED else _positions(config, prepared, learned)
    own = evaluate_policy(held, stated, cost_bps=COST_BPS)
    ideal = evaluate_policy(best.weights(prepared.stated)[:, bars], stated, cost_bps=COST_BPS)
    return {
        **asdict(row),
        "share": own.gain / ideal.gain if ideal.gain * 1e4 > LEAST_BPS else None,
        "gain_bps": own.gain * 1e4,
        "best_bps": ideal.gain * 1e4,
        "predicted_bps": best.best.gain * 1e4,
        "turnover": own.turnover / BY_CHANCE,
        "kept": learned.trained.best_epoch,
        **seconds,
    }


def _positions(config: RunConfig, prepared: Any, learned: Any) -> np.ndarray:
    """f64[S, bars] positions that one account a symbol would hold; of a model, under its best threshold."""
    choice = choose(config, prepared, learned.forecast, learned.bars)
    cut = (slice(None), learned.bars)
    p, made, decide = learned.forecast.probability[cut], learned.forecast.made[cut], prepared.decide[learned.bars]
    if choice.theta is None:
        return np.zeros(p.shape)
    weights = config.policy.weights(p, made, decide, choice.theta, prepared.labels.horizon_bars)  # pyright: ignore[reportAttributeAccessIssue] - every policy has it
    return weights * len(p)


def _banded(best: MarketOptimum, stated: Stated, learned: Any) -> np.ndarray:
    """f64[S, T] what the best policy would hold if a model's forecasts were the market's law."""
    p, made = (array[:, learned.bars] for array in (learned.forecast.probability, learned.forecast.made))
    order = np.argsort(stated.p_up[stated.known])
    drift = (stated.mean[stated.known] / stated.volatility[stated.known])[order]
    mean = np.interp(p, stated.p_up[stated.known][order], drift) * stated.volatility
    return best.weights(Stated(p.astype(np.float64), mean, stated.volatility, stated.known & made))


def _cut(stated: Stated, bars: slice) -> Stated:
    return Stated(stated.p_up[:, bars], stated.mean[:, bars], stated.volatility[:, bars], stated.known[:, bars])


def table(found: list[dict[str, Any]]) -> str:
    """A line a market and learner: shares of every seed, their median, turnover, CPU seconds of the slowest."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in found:
        groups[f"{entry['kind']}, {entry['symbols']} x {entry['bars']:,} | {entry['learner']}"].append(entry)
    lines = [
        "| market | learner | share of the best by seed | median | asked | gain, best, predicted | turnover | CPU s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for group, entries in groups.items():
        shares = [entry["share"] for entry in entries if entry["share"] is not None]
        shown = " ".join(f"{share:.3f}" for share in shares)
        floor = (
            FLOORS.get(entries[0]["kind"]) if "agent" in entries[0]["learner"] and entries[0]["symbols"] == 32 else None
        )
        gains = ", ".join(
            f"{median(entry[name] for entry in entries):.3f}" for name in ("gain_bps", "best_bps", "predicted_bps")
        )
        turnover, cpu = median(entry["turnover"] for entry in entries), max(entry["cpu_seconds"] for entry in entries)
        middle = f"{median(shares):.3f}" if shares else ""
        asked = "" if floor is None else f"{floor:.2f}"
        lines.append(f"| {group} | {shown} | {middle} | {asked} | {gains} | {turnover:.1%} | {cpu:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("build/agents"))
    parser.add_argument("--rows", nargs="*", default=[], help="words that a row's line contains, all of them")
    parser.add_argument("--table", action="store_true", help="print what stands there")
    options = parser.parse_args()
    set_threads()
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "rows.jsonl"
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    known = {(entry["kind"], entry["symbols"], entry["learner"], entry["seed"]) for entry in found}
    for row in [] if options.table else plan():
        asked = all(word in row.line for word in options.rows)
        if not asked or (row.kind, row.symbols, row.learner, row.seed) in known:
            continue
        entry = measure(row, options.out)
        found.append(entry)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(entry) + "\n")
        print(json.dumps(entry), flush=True)
    print(table(found))


if __name__ == "__main__":
    main()
