"""Worlds with known answers: an agent that misses one has a bug, and which one it misses says where.

The first five are Andy Jones' probes (2021, "Debugging RL, without the agonizing pain"). The others isolate what an
implementation of GAE and PPO gets wrong without a sign: discounts over several steps, time limits, reset rows, credit
that leaks into the next episode, log-probabilities of several numbers, members of a population that see each other.
"""

from collections.abc import Callable, Mapping
from functools import partial

from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.rl.aim import AimEnvironment
from edgeproof.rl.answers import Ask, Learned, Probe, judge
from edgeproof.rl.chain import CUT, ENDS, GOES_ON, Chain, ChainEnvironment
from edgeproof.rl.interface import Environment

__all__ = ["FIVE", "PROBES", "Train", "check_probes"]

Train = Callable[[Probe, Environment, Rng], Learned]


def check_probes(
    train: Train, probes: Mapping[str, Probe] | None = None, *, accounts: int = 32, rng: Rng | None = None
) -> list[Finding]:
    """Train on each probe and compare what was learned with what is right: a finding each.

    Args:
        train: trains an agent on a probe's environment with its discount, trace, steps and members.
        probes: by name; none: all.
        accounts: of each member.
        rng: of environments and trainings.
    """
    stream, found = (rng or Rng(0)).child("probes"), []
    for name, probe in (PROBES if probes is None else probes).items():
        learned = train(probe, probe.make(accounts * probe.members), stream.child(name))
        found.append(judge(name, probe, learned, accounts))
    return found


def _world(chain: Chain) -> Callable[[int], Environment]:
    return partial(ChainEnvironment, chain)


def _leaking(end: int) -> Chain:
    """Action 0 earns 1 and lowers the next episode's reward by 2; an episode is one step, so 0 is right.

    Both histories look alike, so that only a trace across the end of the episode can hold the 2 against action 0.
    """
    to_restart = ((1, 0), (1, 0))
    return Chain(((0.0,), (0.0,)), ((1, 0), (-1, -2)), ((0, 0), (1, 1)), ((end, end), (end, end)), (1, 0), to_restart)


CONSTANT = Chain(((0.0,),), ((1,),), ((0,),), ((ENDS,),), (1,))
SEEN = Chain(((-1.0,), (1.0,)), ((-1,), (1,)), ((0,), (1,)), ((ENDS,), (ENDS,)), (0.5, 0.5))
LATE = Chain(((0.0,), (1.0,)), ((0,), (1,)), ((1,), (1,)), ((GOES_ON,), (ENDS,)), (1, 0))
CHOICE = Chain(((0.0,),), ((1, -1),), ((0, 0),), ((ENDS, ENDS),), (1,))
SIGNAL = Chain(((-1.0,), (1.0,)), ((1, -1), (-1, 1)), ((0, 0), (1, 1)), ((ENDS, ENDS), (ENDS, ENDS)), (0.5, 0.5))
ROAD = Chain(
    ((1.0, 0, 0, 0), (0, 1.0, 0, 0), (0, 0, 1.0, 0), (0, 0, 0, 1.0)),
    ((0,), (0,), (0,), (1,)),
    ((1,), (2,), (3,), (3,)),
    ((GOES_ON,), (GOES_ON,), (GOES_ON,), (ENDS,)),
    (1, 0, 0, 0),
)
# what was chosen can no longer be seen when it is paid for: only the trace carries the reward back
HIDDEN = Chain(
    ((0.0,), (1.0,), (1.0,)),
    ((0, 0), (1, 1), (-1, -1)),
    ((1, 2), (1, 1), (2, 2)),
    ((GOES_ON, GOES_ON), (ENDS, ENDS), (ENDS, ENDS)),
    (1, 0, 0),
)
# luck alone: what it does to advantages moves the policy about, and only the entropy bonus brings it back
LUCK = Chain(((0.0,), (0.0,)), ((1, 1), (-1, -1)), ((0, 0), (1, 1)), ((ENDS, ENDS), (ENDS, ENDS)), (0.5, 0.5))
FOREVER = Chain(((0.0,), (0.0,)), ((1,), (1,)), ((1,), (0,)), ((GOES_ON,), (CUT,)), (1, 0))
# cut off in a place where no episode of its kind begins: only the final observation tells what would have followed
ELSEWHERE = Chain(((0.0,), (1.0,)), ((0,), (1,)), ((1,), (1,)), ((CUT,), (ENDS,)), (0.75, 0.25))
RIVALS = Chain(((1.0,),), (((1, -1),), ((-3, 3),)), ((0, 0),), ((ENDS, ENDS),), (1,))

FIVE = {
    "constant_reward": Probe(_world(CONSTANT), (Ask((0,), value=1),), "the value loss and the optimiser's step"),
    "seen_reward": Probe(
        _world(SEEN), (Ask((-1,), value=-1), Ask((1,), value=1)), "the gradient's way from value to observation"
    ),
    "discounted_reward": Probe(
        _world(LATE),
        (Ask((0,), value=0.9, within=0.05), Ask((1,), value=1, within=0.05)),
        "the discount, and which value follows which step",
    ),
    "choice": Probe(_world(CHOICE), (Ask((0,), best=0),), "the sign of advantage and ratio, and the policy's loss"),
    "seen_choice": Probe(
        _world(SIGNAL),
        (Ask((-1,), value=1, within=0.2, best=0), Ask((1,), value=1, within=0.2, best=1)),
        "observations, actions and rewards that belong to different rows of a batch",
    ),
}
PROBES = FIVE | {
    "long_discount": Probe(
        _world(ROAD),
        tuple(Ask(look, value=0.5 ** (3 - place), within=0.05) for place, look in enumerate(ROAD.looks)),
        "the power of the discount over several steps",
        discount=0.5,
    ),
    "hidden_choice": Probe(
        _world(HIDDEN), (Ask((0,), best=0),), "lambda: a trace that is cut within an episode, or lambda taken as 0"
    ),
    "time_limit": Probe(
        _world(FOREVER), (Ask((0,), value=2, within=0.15),), "truncation treated as termination", discount=0.5
    ),
    "final_observation": Probe(
        _world(ELSEWHERE),
        (Ask((0,), value=0.5), Ask((1,), value=1)),
        "which observation is bootstrapped at a truncation (the final one), and that it is so once",
        discount=0.5,
    ),
    "indifferent": Probe(
        _world(LUCK), (Ask((0,), policy=(0.5, 0.5), near=0.2),), "the sign of the entropy bonus", entropy=0.1
    ),
    "reset_rows": Probe(
        partial(ChainEnvironment, CONSTANT, autoreset="next"),
        (Ask((0,), value=1),),
        "rows that are not valid: no loss may see them",
        discount=0.5,
    ),
    "credit_terminated": Probe(
        _world(_leaking(ENDS)), (Ask((0,), best=0),), "the trace across a terminated episode", trace=1.0
    ),
    "credit_truncated": Probe(
        _world(_leaking(CUT)), (Ask((0,), best=0),), "the trace across a truncated episode", trace=1.0
    ),
    "aim": Probe(
        AimEnvironment,
        (Ask((-1,), policy=(-0.5, 0.25)), Ask((1,), policy=(0.5, -0.25))),
        "the log-probability of continuous actions: their sum, and that it is of what was drawn, not of what was kept",
        steps=960,
    ),
    "rival_members": Probe(
        _world(RIVALS),
        (Ask((1,), value=(1, 3), within=0.3, best=(0, 1)),),
        "members that share weights, advantages or rewards",
        members=2,
    ),
    "member_discount": Probe(
        _world(LATE),
        (Ask((0,), value=(0.5, 0.9)),),
        "a discount that is one for all members",
        discount=(0.5, 0.9),
        members=2,
    ),
}
