"""CPU time until an agent earns 90% of what the best policy does, on known truth: ours and Stable-Baselines3's PPO.

Run: make bench NAME=time_to_optimum    (tools/setup-sb3 makes the peer's Python; --only ours, --only "own 32 256")

One market, one environment (the peer's through `rl.adapters.sb3`), the same observation, costs, reward, networks and
discount for all. The greedy policy is judged by the market's own law, the return's noise integrated out, over bars that
nobody trains on; judging is not part of the time. The peer learns with 8, 32 or 128 environments and minibatches of 256
or 2,048, the rest as it comes (`own`); and with our learning rate, epochs, lambda, entropy and rollouts of 16,384 steps
(`ours`). Its thread and ours are one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from edgeproof.core.device import kept_memory, prepare_environment, set_threads

prepare_environment()

from edgeproof.core.rng import Rng
from edgeproof.data.synthetic import make_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.agent import Ground, training_bars
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.learn import fold_dataset, proven_folds, validation_stretch
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.templates import template_body
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning.learner import Learner
from edgeproof.rl.roll import Act
from edgeproof.rl.settings import PpoConfig
from edgeproof.truth.stated import Stated
from edgeproof.truth.trading import evaluate_policy, market_optimum

__all__ = ["AIM", "Scene", "reach", "scene"]

HERE = Path(__file__).resolve().parent
PYTHON = HERE / ".envs" / "sb3" / "bin" / "python"
AIM = 0.9
COST_BPS = 10.0
STRENGTH = 0.3
SYMBOLS, BARS = 64, 2_500
SHARED = ("gamma=0.9", "gae_lambda=0.7", "entropy=0.001", "lr=3e-3", "epochs=2")
NETS = ("net.actor=[64,64]", "net.critic=[64,64]")
OWN = ("accounts=1024", "steps=16", "minibatch=2048", "schedule=none", "total_steps=100000000")
PEERS = [(kind, accounts, batch) for kind in ("own", "ours") for accounts in (8, 32, 128) for batch in (256, 2048)]


@dataclass(frozen=True)
class Scene:
    """A known-truth market: where agents learn, and what their greedy positions earn beside the best ones.

    Attributes:
        ground: the open span.
        train: bars that are trained on.
        validation: bars that are judged.
        stated: their law.
        best: gain of the best policy on them.
    """

    ground: Ground
    train: slice
    validation: slice
    stated: Stated
    best: float

    @property
    def agent(self) -> PpoConfig:
        """What ours learns with."""
        agent = self.ground.config.agent
        assert isinstance(agent, PpoConfig)
        return agent

    def environment(self, accounts: int) -> MarketEnv:
        """Accounts on the training bars."""
        config = self.ground.config
        return MarketEnv(self.ground.tape(self.train), config.environment, config.costs, accounts=accounts)

    def share(self, act: Act) -> float:
        """Gain of these actions over that of the best policy."""
        found = self.ground.walk(lambda _: act, self.validation)
        assert found is not None
        position = found[0].position[0][:, self.validation]
        return evaluate_policy(position, self.stated, cost_bps=COST_BPS).gain / self.best


def scene(folder: Path, overrides: tuple[str, ...] = ()) -> Scene:
    """The market is made anew and prepared as a run would."""
    market = make_market("linear", folder / "market", symbols=SYMBOLS, bars=BARS, seed=1, strength=STRENGTH)
    of_run = ("features=[close_location,body_share]", f"costs.commission_bps={COST_BPS}", "costs.half_spread_bps=0")
    of_agent = [f"agent.{override}" for override in (*SHARED, *NETS, *OWN, *overrides)]
    config, ledger = load_run_config(template_body("rl_training"), [*of_run, *of_agent]), Ledger(folder)
    prepared = prepare(config, market, open_bars(config, market, ledger))
    (fold,) = proven_folds(config, prepared)
    _, dataset = fold_dataset(config, prepared, fold, None)
    bars = validation_stretch(fold, len(prepared.panel.close_time))
    assert prepared.stated is not None
    law = prepared.stated
    cut = Stated(law.p_up[:, bars], law.mean[:, bars], law.volatility[:, bars], law.known[:, bars])
    ideal = market_optimum(market.manifest.truth, law, cost_bps=COST_BPS).weights(law)[:, bars]
    best = evaluate_policy(ideal, cut, cost_bps=COST_BPS).gain
    return Scene(Ground(config, prepared, dataset.x), training_bars(prepared, fold, bars), bars, cut, best)


def reach(learn: Callable[[], int], share: Callable[[], float], limit_s: float) -> dict[str, Any]:
    """Learn until the share is reached or the CPU seconds are spent; judged whenever these have grown by 5%.

    Args:
        learn: one rollout and what is learned from it; answers all steps so far.
        share: of the policy as it stands; not in the time.
        limit_s: CPU seconds.
    """
    cpu = wall = judged = 0.0
    curve: list[tuple[int, float, float]] = []
    while cpu < limit_s:
        began, began_cpu = time.perf_counter(), time.process_time()
        steps = learn()
        wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - began_cpu
        if cpu >= 1.05 * judged:
            curve.append((steps, round(cpu, 3), share()))
            judged = cpu
            if curve[-1][2] >= AIM:
                break
    steps, _, last = curve[-1]
    return {"reached": last >= AIM, "cpu": cpu, "wall": wall, "steps": steps, "share": last, "curve": curve}


def ours(on: Scene, seed: int, limit_s: float) -> dict[str, Any]:
    """A training of ours from its first update."""
    learner = Learner(on.environment(on.agent.accounts), [on.agent], Keys(Rng(seed), (0,)))
    done = 0

    def learn() -> int:
        nonlocal done
        learner.update(done)
        done += 1
        return done * on.agent.steps * on.agent.accounts

    with kept_memory():
        return reach(learn, lambda: on.share(learner.agent().act), limit_s)


def peer(kind: str, accounts: int, batch: int, seed: int, limit_s: float) -> dict[str, Any]:
    """A training of Stable-Baselines3's, in its own Python."""
    script = HERE / "peers" / "sb3_optimum.py"
    command = [str(PYTHON), str(script), *map(str, (kind, accounts, batch, seed, limit_s))]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])


def line(name: str, found: list[dict[str, Any]]) -> str:
    """A row of the table."""
    reached = [entry for entry in found if entry["reached"]]
    shown = [f"{entry['cpu']:.1f}" if entry["reached"] else f"not in {entry['cpu']:.0f}" for entry in found]
    middle, steps = median(entry["cpu"] for entry in found), median(entry["steps"] for entry in found)
    share = "" if reached else f"{max(entry['share'] for entry in found):.2f}"
    return f"| {name} | {', '.join(shown)} | {middle:.1f} | {steps:,.0f} | {share} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="ours, or a peer: 'own 32 256'")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--limit", type=float, default=1200.0, help="CPU seconds of a training")
    parser.add_argument("--set", nargs="*", default=[], help="other settings of ours: lr=3e-3")
    parser.add_argument("--curve", action="store_true", help="every judgement, too")
    asked = parser.parse_args()
    set_threads(1)
    print("| what learns | CPU s to 90%, by seed | median | steps | share at the end |\n|---|---|---|---|---|")
    if asked.only in ("", "ours"):
        with tempfile.TemporaryDirectory() as folder:
            on = scene(Path(folder), tuple(asked.set))
            ours(on, 0, 1e-9)  # compiles
            found = [ours(on, seed, asked.limit) for seed in asked.seeds]
        print(line("ours", found), flush=True)
        if asked.curve:
            print(json.dumps([entry["curve"] for entry in found]))
    if asked.only == "ours":
        return
    if not PYTHON.exists():
        sys.exit("no Stable-Baselines3 at benchmarks/.envs/sb3; tools/setup-sb3 makes it")
    for kind, accounts, batch in PEERS:
        if asked.only in f"{kind} {accounts} {batch}":
            found = [peer(kind, accounts, batch, seed, asked.limit) for seed in asked.seeds]
            name = f"Stable-Baselines3, {kind} settings, {accounts} environments, batch {batch:,}"
            print(line(name, found), flush=True)
            if asked.curve:
                print(json.dumps([entry["curve"] for entry in found]))


if __name__ == "__main__":
    main()
