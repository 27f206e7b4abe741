"""Work shared among threads: the same bytes on any number of them, errors come back, torch's threads stay as set."""

import threading

import pytest
import torch

from edgeproof.core.rng import Rng
from edgeproof.rl.ppo import train_ppo
from edgeproof.rl.settings import NetConfig, PpoConfig
from edgeproof.rl.workers import Workers
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
def test_one_thread_and_three_learn_the_same_bytes(tmp_path, monkeypatch, members, changes):
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
