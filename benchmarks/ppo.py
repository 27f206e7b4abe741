"""PPO end to end, environment steps a CPU second with learning included: ours, Stable-Baselines3 and CleanRL in turn.

All have two layers of 64 and 4 epochs. Peers run CartPole-v1 in 8 environments, the way they are used: rollouts of 128
steps, minibatches of 256 (CleanRL: a quarter of the rollout); Stable-Baselines3 also with its defaults. Ours runs 1,024
accounts, rollouts of 128 and minibatches of 4,096: on CartPole-v1 too (Gymnasium's vectorised one), and on a market of
24 numbers with costs. The share of the limit is that of the products alone, at the fastest kernel of this machine.

    python benchmarks/ppo.py                                    # one thread
    python benchmarks/ppo.py --threads 2 --measure wall --cleanrl PATH/ppo.py
    python benchmarks/ppo.py --populations
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from itertools import count

if "--threads" in sys.argv:
    os.environ["EDGEPROOF_THREADS"] = sys.argv[sys.argv.index("--threads") + 1]
os.environ.setdefault("EDGEPROOF_THREADS", "1")

from edgeproof.core.device import kept_memory, prepare_environment, set_threads

prepare_environment()

import numpy as np
import torch

from edgeproof.core.rng import Rng
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.foreign import foreign
from edgeproof.rl.interface import Environment
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning.learner import Learner
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.settings import NetConfig, PpoConfig
from edgeproof.rl.tape import Tape
from edgeproof.simulator.costs import CostsConfig
from harness import Peer, round_of, show

NETS = {
    "separate": NetConfig(actor=(64, 64), critic=(64, 64)),
    "shared": NetConfig(actor=(64, 64), shared=True, activation="relu"),
}
Rates = dict[str, float]


def market(accounts: int, members: int = 1) -> MarketEnv:
    """Random walks of 8 symbols; observations of 24 numbers: a window of 6 bars x 3 features, and the account."""
    draw = np.random.default_rng(0)
    close = 100 * np.exp(draw.normal(0, 0.007, (8, 20_000)).cumsum(1))
    opened = np.concatenate((np.full((8, 1), 100.0), close[:, :-1]), 1)
    prices = np.stack((opened, np.maximum(opened, close), np.minimum(opened, close), close, np.ones_like(close)), -1)
    table = draw.standard_normal((8, 20_000, 3), dtype=np.float32)
    there = np.ones(close.shape, dtype=bool)
    tape = Tape(prices, there, table, there, window=6)
    return MarketEnv(tape, EnvConfig(), CostsConfig(), accounts=accounts, members=range(members))


def learner(environment: Environment, net: str, precision: str, members: int = 1) -> Learner:
    """A training at its start."""
    accounts = environment.accounts // members
    config = PpoConfig.model_validate({"net": NETS[net], "accounts": accounts, "precision": precision})
    return Learner(environment, [config] * members, Keys(Rng(0), tuple(range(members))))


def rate_of(training: Learner) -> Callable[[], Rates]:
    """Two updates, as steps of all members a CPU second and a second."""
    numbers, steps = count(), 2 * training.config.steps * training.environment.accounts

    def run() -> Rates:
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(2):
            training.update(next(numbers))
        return {"cpu": steps / (time.process_time() - cpu), "wall": steps / (time.perf_counter() - wall)}

    return run


def limit(inputs: int, outputs: int, net: str) -> Callable[[], Rates]:
    """Steps a second if products were all: one forward pass, four forward and backward, by this machine's best kernel.

    A layer's backward pass is two products of its forward one's size; the first needs one.
    """
    first, second, last = inputs * 64, 64 * 64, 64 * outputs
    towers = 1 if net == "shared" else 2
    forward = 2 * (towers * (first + second) + last)
    backward = 2 * (towers * (first + 2 * second) + 2 * last)
    step = forward + 4 * (forward + backward)
    x, w = torch.randn(8192, 64), torch.randn(64, 64)
    kinds = [(x.to(kind), w.to(kind)) for kind in (torch.float32, torch.bfloat16)]

    def run() -> Rates:
        best = {"cpu": 0.0, "wall": 0.0}
        for a, b in kinds:
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(200):
                torch.mm(a, b)
            work = 200 * 2 * 8192 * 64 * 64 / step
            spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
            best = {name: max(best[name], work / spent[name]) for name in best}
        return best

    return run


def compare(asked: argparse.Namespace, net: str) -> None:
    """Ours, peers and the limit in turn; a line of figures for each pair."""
    ours = {
        f"{where} {precision}": rate_of(learner(make(), net, precision))
        for precision in asked.precisions
        for where, make in (
            ("CartPole", lambda: foreign("CartPole-v1", 1024, "vector_entry_point")),
            ("market", lambda: market(1024)),
        )
    }
    size = learner(market(8), net, "fp32")
    peers = {f"Stable-Baselines3 {kind}": Peer("ppo", "sb3", kind, net, threads=asked.threads) for kind in asked.sb3}
    if asked.cleanrl:
        peers["CleanRL"] = Peer("ppo", "cleanrl", asked.cleanrl, threads=asked.threads)
    sides: dict[str, Callable[[], Rates]] = {name: lambda run=run: round_of(run)["value"] for name, run in ours.items()}
    sides |= {name: lambda peer=peer: peer.round()["value"] for name, peer in peers.items()}
    sides["limit"] = limit(size.inputs.size, 4, net)
    found: dict[str, list[float]] = {name: [] for name in sides}
    with kept_memory():
        for run in ours.values():
            run()
        for number in range(asked.rounds):
            for name in list(sides)[:: 1 if number % 2 == 0 else -1]:
                found[name].append(sides[name]()[asked.measure])
    for peer in peers.values():
        peer.__exit__(None, None, None)
    middle = {name: statistics.median(figures) for name, figures in found.items()}
    for own in ours:
        for other in [name for name in sides if name not in ours]:
            spans = "; ".join(f"{min(found[name]):.0f} to {max(found[name]):.0f}" for name in (own, other))
            title = f"ppo {net}, {own} against {other} ({spans}; load {os.getloadavg()[0]:.1f})"
            unit = f"steps / {'CPU ' if asked.measure == 'cpu' else ''}s"
            show(title, middle[own], middle[other], unit=unit, rounds=asked.rounds, higher_is_better=True)


def populations(asked: argparse.Namespace) -> None:
    """What 16 members cost beside one, in CPU seconds of an update."""
    for accounts in (64, 1024):
        one, many = (rate_of(learner(market(accounts, p), "separate", "auto", p)) for p in (1, 16))
        with kept_memory():
            one()
            many()
            times = [(128 * accounts / one()["cpu"], 16 * 128 * accounts / many()["cpu"]) for _ in range(asked.rounds)]
        alone, together = (statistics.median(column) for column in zip(*times, strict=True))
        title = f"16 members of {accounts} accounts against one (load {os.getloadavg()[0]:.1f})"
        show(title, together, alone, unit="CPU s / update", rounds=asked.rounds, higher_is_better=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=list(NETS))
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--sb3", nargs="*", default=["same", "default"])
    parser.add_argument("--cleanrl", default="", help="place of CleanRL's ppo.py")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--measure", default="cpu", choices=["cpu", "wall"])
    parser.add_argument("--populations", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    set_threads(asked.threads)
    if asked.populations:
        populations(asked)
        return
    for net in asked.nets:
        compare(asked, net)


if __name__ == "__main__":
    main()
