"""Agents on a CUDA device, parts of `gpu.py`: the environment, with inference, with training; eager and graph-captured.

Each part answers account-steps a second both ways, and whether both gave the same: actions are drawn by the same noise,
so accounts, actions and rewards must be equal to the last bit, and weights after an update too. What is aimed at on one
H200: 200 million steps a second of the environment, 10 million of PPO; neither was measured yet.
"""

import time
from collections.abc import Callable
from typing import Any

import torch

from edgeproof.core.rng import Rng
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning.collect import seen
from edgeproof.rl.learning.distribution import draw, log_prob
from edgeproof.rl.learning.hyper import hyper_at
from edgeproof.rl.learning.learner import Learner
from edgeproof.rl.learning.samples import Samples, gather, minibatches
from edgeproof.rl.learning.update import clip_gradient, descend
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.settings import PpoConfig
from environment import BRACKET, COSTS, tape_of

__all__ = ["agents"]

Run = Callable[[], None]
NET = {"actor": [64, 64], "critic": [64, 64]}


def wait(device: str) -> None:
    """Until the device has done what it was asked for."""
    if device == "cuda":
        torch.cuda.synchronize()


def captured(run: Run, device: str) -> Run:
    """The same work as one CUDA graph; on the processor as it is. It has run by then, to be warm."""
    if device != "cuda":
        run()
        return run
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(2):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def seconds(run: Run, device: str, rounds: int) -> float:
    """Wall seconds of a run, the best of several."""
    found = []
    for _ in range(rounds):
        wait(device)
        began = time.perf_counter()
        run()
        wait(device)
        found.append(time.perf_counter() - began)
    return min(found)


def world(device: str, accounts: int, small: bool) -> MarketEnv:
    """32 symbols x 50,000 bars, costs, stop and target, the account's six numbers."""
    tape = tape_of(2, 2_000, 9) if small else tape_of(32, 50_000, 9)
    env = MarketEnv(tape, EnvConfig(), COSTS, BRACKET, accounts=accounts, device=device)
    env.reset(Rng(0))
    return env


def both(env: MarketEnv, run: Run, kept: Callable[[], list[torch.Tensor]], asked: Any, steps: int) -> dict[str, Any]:
    """Steps a second of a run both ways, and whether they are equal from the same state on."""
    start, found, ends = env.state(), {}, []
    for name in ("eager", "captured"):
        again = run if name == "eager" else captured(run, asked.device)
        env.restore(start)
        again()
        ends.append([part.clone() for part in kept()] + [torch.from_numpy(part) for part in env.state().values()])
        found[name] = round(env.accounts * steps / seconds(again, asked.device, asked.rounds))
    return found | {"equal": all(torch.equal(one, other) for one, other in zip(*ends, strict=True))}


def stepping(asked: Any) -> dict[str, Any]:
    """The environment alone, by random actions."""
    env, steps = world(asked.device, 64 if asked.small else 262_144, asked.small), 4 if asked.small else 32
    actions = torch.randint(0, 3, (steps, env.accounts), generator=torch.Generator().manual_seed(0)).to(env.device)

    def run() -> None:
        for action in actions:
            env.step(action)

    return both(env, run, list, asked, steps)


class Acting:
    """A learner's rollout without a word to the processor, so that a graph can hold it."""

    def __init__(self, asked: Any, precision: str = "fp32") -> None:
        accounts, steps = (64, 4) if asked.small else (65_536, 16)
        sizes = {"accounts": accounts, "steps": steps, "total_steps": 100 * accounts * steps, "device": asked.device}
        more = {"minibatch": 64 if asked.small else 32_768, "net": NET, "schedule": "none", "precision": precision}
        self.config = PpoConfig.model_validate(sizes | more)
        self.env = world(asked.device, accounts, asked.small)
        self.learner = Learner(self.env, [self.config], Keys(Rng(1), (0,)))
        self.seen = self.learner.observation
        self.noise = self.fresh(0)
        rollout = self.learner.rollout
        self.dense, self.index = torch.zeros_like(rollout.dense), torch.zeros_like(rollout.action)

    def fresh(self, number: int) -> torch.Tensor:
        """The keyed noise of an update."""
        config = self.config
        drawn = self.learner.keys.noise(number, config.steps, config.accounts, self.env.actions)
        return drawn.to(self.env.device)

    def run(self) -> None:
        """Act and step, all along the rollout."""
        policy, rollout, inputs = self.learner.policy, self.learner.rollout, self.learner.inputs
        with torch.no_grad():
            for t in range(self.config.steps):
                outputs = policy.forward(seen(inputs, 1, self.seen, None))
                action = draw(policy.actions, outputs.action, outputs.log_std, self.noise[t])
                logp = log_prob(policy.actions, outputs.action, outputs.log_std, action)
                rollout.judge(t, outputs.value.flatten())
                rollout.act(t, self.seen, action.flatten(), logp.flatten())
                step = self.env.step(action.flatten(0, 1))
                rollout.reward[t], rollout.valid[t] = step.reward, step.valid
                rollout.terminated[t], rollout.truncated[t] = step.terminated, step.truncated
                self.dense[t] = step.final.dense
                if step.final.index is not None:
                    self.index[t] = step.final.index

    def cut(self) -> None:
        """What was seen last where an episode was cut off, as the learner reads it."""
        rollout = self.learner.rollout
        rollout.begin()
        step, account = rollout.truncated.nonzero(as_tuple=True)
        final = rollout.final
        final.step, final.account = [step], [account]
        final.dense, final.index = [self.dense[step, account]], [self.index[step, account]]


def inferring(asked: Any) -> dict[str, Any]:
    """The environment and the agent's networks, actions drawn."""
    acting = Acting(asked)
    rollout = acting.learner.rollout
    return both(
        acting.env, acting.run, lambda: [rollout.action, rollout.logp, rollout.reward], asked, len(acting.noise)
    )


class Training(Acting):
    """Updates of which rollout and gradient steps are graphs."""

    def __init__(self, asked: Any, precision: str) -> None:
        super().__init__(asked, precision)
        self.asked, self.samples, self.act, self.descend = asked, None, None, None
        self.rows = torch.zeros(1, self.config.minibatch, dtype=torch.int64, device=self.env.device)
        self.hyper = hyper_at([self.config], 0)
        self.hyper = type(self.hyper)(**{name: x.to(self.env.device) for name, x in vars(self.hyper).items()})

    def update(self, number: int) -> None:
        """One update; the graphs are captured in the first."""
        learner, device = self.learner, self.asked.device
        self.noise.copy_(self.fresh(number))
        if self.act is None:
            start = self.env.state()
            self.act = captured(self.run, device)
            self.env.restore(start)
        self.act()
        self.cut()
        with torch.no_grad(), torch.device(device):
            self._take(learner.samples(learner.advantage(self.hyper)))
            if self.descend is None:
                kept = {name: tensor.clone() for name, tensor in learner.tensors().items()}
                self.descend = captured(self.step, device)
                learner.policy.load(kept["weights"])
                learner.adam.load({name: kept[f"adam.{name}"] for name in learner.adam.arrays()})
            count = self.config.steps * self.config.accounts
            for epoch in range(self.config.epochs):
                samples = self._samples()
                many = count // self.config.minibatch
                parts = learner.keys.parts(number, epoch, count, many, samples.together(self.config.minibatch))
                for rows in minibatches(samples, parts):
                    self.rows.copy_(rows)
                    self.descend()

    def step(self) -> None:
        """A gradient step on the minibatch of `rows`."""
        learner, policy = self.learner, self.learner.policy
        descend(policy, gather(self._samples(), learner.inputs, self.rows), self.config, self.hyper)
        clip_gradient(policy.gradient, self.hyper.grad_norm)
        learner.adam.step(policy.flat, policy.gradient, self.hyper.lr)
        policy.refresh()

    def _samples(self) -> Samples:
        assert self.samples is not None
        return self.samples

    def _take(self, new: Samples) -> None:
        """The samples lie where they lay before, so that a graph finds them."""
        if self.samples is None:
            self.samples = new
            return
        for name in ("dense", "index", "action", "numbers"):
            own, other = getattr(self.samples, name), getattr(new, name)
            if own is not None:
                own.copy_(other)


def learning(asked: Any, precision: str) -> dict[str, Any]:
    """PPO end to end: rollout, advantages, 4 epochs."""
    eager, graphs = Acting(asked, precision), Training(asked, precision)
    steps, ends = eager.config.steps, []
    eager.learner.update(0)
    graphs.update(0)
    gap = float((eager.learner.policy.flat - graphs.learner.policy.flat).abs().max())
    updates: tuple[Callable[[int], Any], ...] = (eager.learner.update, graphs.update)
    for update in updates:
        wait(asked.device)
        began = time.perf_counter()
        for number in range(1, 1 + asked.rounds):
            update(number)
        wait(asked.device)
        ends.append(round(eager.env.accounts * steps * asked.rounds / (time.perf_counter() - began)))
    return {"eager": ends[0], "captured": ends[1], "largest_gap": gap}


def agents(asked: Any) -> list[tuple[str, Callable[[], Any]]]:
    """The parts of `gpu.py` that are about agents."""
    return [
        ("agents: environment", lambda: stepping(asked)),
        ("agents: environment and inference", lambda: inferring(asked)),
        ("agents: environment, inference and training, fp32", lambda: learning(asked, "fp32")),
        ("agents: environment, inference and training, bf16", lambda: learning(asked, "bf16")),
    ]
