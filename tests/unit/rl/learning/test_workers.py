"""Work shared among threads: the same bytes on any number of them, errors come back, torch's threads stay as set."""

import copy
import pickle
import signal
import threading
import time
from functools import partial

import pytest
import torch

from edgeproof.core.rng import Rng
from edgeproof.rl.inputs import Inputs
from edgeproof.rl.interface import Continuous, Discrete, Layout
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning import policy, update
from edgeproof.rl.learning.hyper import hyper_at
from edgeproof.rl.learning.loss import TERMS
from edgeproof.rl.learning.samples import Batch, Samples
from edgeproof.rl.learning.workers import Workers
from edgeproof.rl.ppo import train_ppo
from edgeproof.rl.settings import NetConfig, PpoConfig
from tests.unit.rl.small_worlds import Signs

NET = {"actor": (256, 256), "critic": (256, 256)}  # wide enough to be shared out


def trained(folder, members, **changes):
    config = PpoConfig(
        net=NetConfig(**{**NET, **changes.pop("net", {})}),
        total_steps=2 * 16 * 64,
        steps=16,
        accounts=64,
        minibatch=512,
        epochs=2,
        **changes,
    )
    world = Signs(64 * members, members=tuple(range(members)))
    return train_ppo(world, [config] * members, rng=Rng(5), folder=folder)


@pytest.mark.parametrize(
    ("members", "changes"),
    [
        (1, {"precision": "bf16"}),
        (1, {"precision": "fp32", "net": {"shared": True, "activation": "relu"}}),
        (3, {"precision": "fp32"}),
        (3, {"precision": "bf16", "net": {"activation": "silu"}}),
    ],
    ids=str,
)
@pytest.mark.parametrize("heavy", [policy.HEAVY, 1 << 20])
def test_one_thread_and_three_learn_the_same_bytes(tmp_path, monkeypatch, members, changes, heavy):
    monkeypatch.setattr(policy, "HEAVY", heavy)
    monkeypatch.setattr(policy, "PART", 128)
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("EDGEPROOF_THREADS", threads)
        run = trained(tmp_path / threads, members, **dict(changes))
        times = {"seconds", "steps_per_second"}
        found.append((run.sha, [{k: v for k, v in row.items() if k not in times} for row in run.history]))
    assert found[0] == found[1]


def test_pieces_are_done_once_each_and_by_torch_on_one_thread(monkeypatch):
    monkeypatch.setenv("EDGEPROOF_THREADS", "3")
    before, done = torch.get_num_threads(), []

    def piece(number):
        return lambda: done.append((number, torch.get_num_threads(), torch.is_grad_enabled()))

    workers = Workers()
    for _ in range(50):
        workers.run([piece(number) for number in range(7)])
    assert sorted(done) == sorted((number, 1, False) for number in range(7) for _ in range(50))
    assert torch.get_num_threads() == before
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("where", ["here", "there"])
def test_an_error_of_any_piece_comes_back(monkeypatch, where):
    monkeypatch.setenv("EDGEPROOF_THREADS", "2")
    both = threading.Barrier(2)

    def piece():
        both.wait(timeout=20)
        if (threading.current_thread() is threading.main_thread()) == (where == "here"):
            raise ValueError("broken")

    workers = Workers()
    with pytest.raises(ValueError, match="broken"):
        workers.run([piece, piece])
    workers.run([lambda: None, lambda: None])


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="a system without signals for a thread")
def test_after_an_interruption_what_is_begun_is_waited_for_as_before(monkeypatch):
    monkeypatch.setenv("EDGEPROOF_THREADS", "2")
    before = signal.signal(signal.SIGUSR1, interrupted)
    workers, main, ended = Workers(), threading.main_thread(), []

    def pieces(name, interrupts):
        both = threading.Barrier(2)

        def piece():
            both.wait(timeout=20)
            if threading.current_thread() is not main:
                time.sleep(0.1)  # the calling thread is through, and waits
                if interrupts:
                    signal.pthread_kill(main.ident or 0, signal.SIGUSR1)
                time.sleep(0.1)
                ended.append(name)

        return [piece, piece]

    try:
        with pytest.raises(KeyboardInterrupt):
            workers.run(pieces("first", interrupts=True))
        time.sleep(0.3)
        for name in ("second", "third"):
            workers.run(pieces(name, interrupts=False))
            assert ended[-1] == name
    finally:
        signal.signal(signal.SIGUSR1, before)


def interrupted(*_):
    raise KeyboardInterrupt


def test_two_callers_at_once_each_get_all_their_pieces_done(monkeypatch):
    """An agent that has learned may be asked from several threads, as a server does."""
    monkeypatch.setenv("EDGEPROOF_THREADS", "2")
    workers, done = Workers(), []

    def call(name):
        for _ in range(300):
            workers.run([partial(done.append, (name, number)) for number in range(4)])

    callers = [threading.Thread(target=call, args=(name,), daemon=True) for name in "ab"]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(timeout=60)
        assert not caller.is_alive()
    assert sorted(done) == sorted((name, number) for name in "ab" for number in range(4) for _ in range(300))


def test_a_piece_may_have_pieces(monkeypatch):
    monkeypatch.setenv("EDGEPROOF_THREADS", "2")
    workers, done = Workers(), []
    inner = [partial(done.append, number) for number in range(3)]
    workers.run([partial(workers.run, inner), partial(workers.run, inner)])
    assert sorted(done) == [0, 0, 1, 1, 2, 2]


def sent(agent):
    return pickle.loads(pickle.dumps(agent))  # noqa: S301 - its own bytes


def test_first_weights_do_not_depend_on_torch_s_threads():
    before, found = torch.get_num_threads(), []
    net = NetConfig(actor=(256, 256), critic=(256, 256))
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(policy.Policy(net, 5, Discrete(3), 1, torch.float32).start(Keys(Rng(0), (0,))).flat)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert found[0].equal(found[1])


@pytest.mark.parametrize("copied", [copy.deepcopy, sent])
def test_an_agent_that_has_learned_side_by_side_can_be_copied_and_sent(tmp_path, monkeypatch, copied):
    monkeypatch.setenv("EDGEPROOF_THREADS", "2")
    agent = trained(tmp_path, 1, precision="fp32").agent
    seen = Signs(64).reset(Rng(0))
    assert agent.policy.workers is not None
    assert copied(agent).chances(seen).equal(agent.chances(seen))


@pytest.mark.parametrize("actions", [Discrete(3), Continuous(2, -1.0, 1.0)], ids=str)
@pytest.mark.parametrize("shared", [False, True])
def test_a_minibatch_in_parts_is_the_whole_one(monkeypatch, actions, shared):
    """Parts differ in how many rows count: each weighs by that, and advantages are those of the whole minibatch."""
    draw, many = torch.Generator().manual_seed(0), 300
    net = NetConfig(actor=(16,), critic=(16,), shared=shared)
    own = policy.Policy(net, 5, actions, 1, torch.float64).start(Keys(Rng(0), (0,)))
    numbers = torch.randn(5, 400, generator=draw, dtype=torch.float64)
    numbers[0], numbers[4] = -1 + 0.1 * numbers[0], (torch.arange(400) % 7 > 2).double()
    numbers[4, :90] = 0.0
    action = torch.randint(0, 3, (400,), generator=draw)
    if isinstance(actions, Continuous):
        action = torch.randn(400, 2, generator=draw)
    samples = Samples(torch.randn(400, 5, generator=draw).double(), None, action, numbers, False, 1, 10)
    batch = Batch(Inputs(Layout(dense=5), torch.float64), torch.arange(many).unsqueeze(0), samples)
    config, found = PpoConfig(entropy=0.1), []
    for part in (policy.PART, 80):
        monkeypatch.setattr(policy, "HEAVY", 1)
        monkeypatch.setattr(policy, "PART", part)
        told = update.descend(own, batch, config, hyper_at([config], 0))
        found.append((told, own.gradient.clone()))
    assert own.parts(many) == 3
    torch.testing.assert_close(found[1], found[0], rtol=1e-9, atol=1e-12)
    assert found[0][1].abs().max() > 0
    assert samples.numbers.equal(numbers)
    assert len(found[0][0]) == len(TERMS)
