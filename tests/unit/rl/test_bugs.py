"""Each bug that is planted into PPO is caught by the probe, gate or reference value that is named for it."""

from dataclasses import replace

import pytest
import torch

from edgeproof.core.rng import Rng
from edgeproof.rl.apart import members_apart
from edgeproof.rl.examine import PROBING, ppo_on
from edgeproof.rl.gates import gate
from edgeproof.rl.learning import learner, loss, objective, update
from edgeproof.rl.look import look_at
from edgeproof.rl.probes import PROBES, check_probes
from tests.unit.rl.bugs import BUGS, Bug

QUICK = {"rewards one step late", "truncation as termination", "probe.seen_choice", "probe.time_limit"}  # of the probes
CAUGHT_BY = sorted({bug.caught_by for bug in BUGS})


def gae_is_right() -> bool:
    """torchrl 0.14.1 `generalized_advantage_estimate`, float64: no end within six steps, gamma 0.9, lambda 0.8."""
    rewards, values = [1.0, 0.5, -0.2, 0.3, 2.0, -1.0], [0.5, 0.4, 0.1, -0.3, 0.8, 0.2]
    following = [0.4, 0.1, -0.3, 0.8, 0.2, 0.6]
    wanted = [1.4371540646334675, 0.8016028489391238, 0.8494483708616622, 1.9714559823684679, 0.9047999660491937, -0.66]
    reward, value, after = (torch.tensor(row, dtype=torch.float64).unsqueeze(1) for row in (rewards, values, following))
    no = torch.zeros(6, 1, dtype=torch.bool)
    found = learner.gae(reward, value, after, no, no, gamma=0.9, lam=0.8)
    return torch.allclose(found[:, 0], torch.tensor(wanted, dtype=torch.float64), atol=1e-7)


def policy_loss_is_right() -> bool:
    """Schulman et al. (2017, eq. 7) by hand, clip 0.2: ratios 1.5, 0.5, 1.1 with advantages 1, -1, 2."""
    log_ratio = torch.tensor([1.5, 0.5, 1.1], dtype=torch.float64).log()
    found = objective.policy_loss(log_ratio, torch.tensor([1.0, -1.0, 2.0], dtype=torch.float64), 0.2)
    return bool(torch.isclose(found, torch.tensor(-(1.2 - 0.8 + 2.2) / 3, dtype=torch.float64)))


REFERENCES = {"reference.gae": gae_is_right, "reference.policy_loss": policy_loss_is_right}


def caught(by: str) -> bool:
    kind, _, name = by.partition(".")
    if kind == "reference":
        return not REFERENCES[by]()
    if kind == "probe":
        probe = replace(PROBES[name], steps=320)
        return check_probes(ppo_on(PROBING), {name: probe}, accounts=32)[0].level == "error"
    if by == "rl.members_apart":
        return members_apart(Rng(0)).level == "error"
    found = gate(by, look_at(PROBES["aim"].make(32), PROBING, Rng(0)))
    assert found is not None
    assert found.check == by
    return found.level == "error"


def marked(name: str, value: object, by: str):
    quick = not by.startswith("probe.") or name in QUICK
    return pytest.param(value, id=name, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize("bug", [marked(bug.name, bug, bug.caught_by) for bug in BUGS])
def test_the_bug_is_caught_by_name(bug: Bug, monkeypatch):
    monkeypatch.setattr(bug.owner, bug.attribute, bug.make(getattr(bug.owner, bug.attribute)))
    if bug.owner in (loss, objective):  # the one pass, which tests hold to these formulas, has none of its own to plant
        monkeypatch.setattr(update, "slopes", loss.by_autograd)
    assert caught(bug.caught_by)


@pytest.mark.parametrize("by", [marked(by, by, by) for by in CAUGHT_BY])
def test_what_catches_bugs_finds_none_in_ppo_as_it_is(by):
    assert not caught(by)


def test_there_are_many():
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 25
