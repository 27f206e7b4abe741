"""Any Gymnasium environment as ours: dense observations, the true last observation, reset rows marked as no step.

Gymnasium's vector environments begin a new episode in one of three ways (its `AutoresetMode`): in the step that ended
the last one (SAME_STEP), in the step after, whose action is ignored (NEXT_STEP: those rows are not `valid`), or when
they are told to (DISABLED: done here, within the step).
"""

# N environments, K numbers of an observation, A numbers of an action

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.rl.interface import ActionSpace, Continuous, Discrete, Layout, Observation, Step

if TYPE_CHECKING:
    import gymnasium
    from gymnasium.vector import VectorEnv

__all__ = ["ForeignEnvironment", "foreign"]

Vectorised = Literal["sync", "async", "vector_entry_point"]
LARGEST = float(np.finfo(np.float32).max)
MODES = {"NextStep": "next", "SameStep": "same", "Disabled": "disabled"}


def foreign(
    what: "str | gymnasium.Env | VectorEnv", accounts: int = 1, vectorised: Vectorised = "sync", **settings: Any
) -> "ForeignEnvironment":
    """A Gymnasium environment as an `Environment`.

    Args:
        what: its id, such as `CartPole-v1`, of which `accounts` copies are made; or an environment, or vector of such.
        accounts: N, of an id.
        vectorised: how copies are stepped: one after another, in processes of their own, or by the id's own vector.
        settings: of the environment behind the id.

    Raises:
        OptionError: Gymnasium is not installed, the id is not known, or its spaces cannot be trained on.
    """
    gymnasium: Any = _gymnasium()
    if accounts < 1:
        raise OptionError(f"{accounts} environments; write accounts of 1 or more")
    if isinstance(what, gymnasium.vector.VectorEnv):
        return ForeignEnvironment(cast("VectorEnv", what))
    same = gymnasium.vector.AutoresetMode.SAME_STEP
    if isinstance(what, gymnasium.Env):
        if accounts != 1:
            raise OptionError(
                f"one environment cannot be {accounts} accounts; give its id, or a vector of environments"
            )
        return ForeignEnvironment(gymnasium.vector.SyncVectorEnv([lambda: what], copy=False, autoreset_mode=same))
    options = {"copy": False, "autoreset_mode": same} if vectorised != "vector_entry_point" else {}
    try:
        made = gymnasium.make_vec(what, accounts, vectorised, vector_kwargs=options, **settings)
    except gymnasium.error.Error as error:
        told = " ".join(str(error).split())
        own = "one of your own needs gymnasium.register(id, entry_point=its class) first"
        raise OptionError(f"Gymnasium makes no {what}: {told} (correct the id; {own})") from error
    return ForeignEnvironment(made)


class ForeignEnvironment:
    """The environments of a Gymnasium `VectorEnv`.

    Attributes:
        inner: the `VectorEnv`.
        accounts: N.
        actions: a `Box` of different bounds is acted on within -1 and 1.
        rules: the environment's id; a finished training is not taken for one of another.

    Raises:
        OptionError: a space that cannot be trained on, or an autoreset mode that is not declared.
    """

    def __init__(self, inner: "VectorEnv") -> None:
        self.inner, self.accounts = inner, int(inner.num_envs)
        declared = inner.metadata.get("autoreset_mode")
        self._mode = MODES.get(getattr(declared, "value", str(declared)))
        if self._mode is None:
            raise OptionError(
                f"{inner} does not say how its episodes begin anew; set metadata['autoreset_mode'] to a mode of "
                "gymnasium.vector.AutoresetMode"
            )
        self.actions = _action_space(inner.single_action_space)
        self._flat = _numbers_of(inner.single_observation_space)
        self._over = np.zeros(self.accounts, bool)
        self.rules = str(getattr(inner.spec, "id", None))

    @property
    def layout(self) -> Layout:
        """The flattened observation: numbers as they are, choices as a one among zeros."""
        return Layout(int(self._flat))

    def reset(self, rng: Rng) -> Observation:
        """Begin anew; environment i is seeded by the stream's key plus i."""
        seen, _ = self.inner.reset(seed=rng.child("foreign").key() % 2**31)
        self._over = np.zeros(self.accounts, bool)
        return self._observation(self._dense(seen))

    def step(self, action: Tensor) -> Step:
        """One step of every environment."""
        seen, reward, terminated, truncated, info = self.inner.step(self._action(action))
        ended, valid = terminated | truncated, ~self._over
        dense = self._dense(seen)
        final = dense
        if self._mode == "next":
            self._over = ended
        elif ended.any() and self._mode == "same":
            final = dense.copy()
            final[ended] = [self._row(last) for last in info["final_obs"][ended]]
        elif ended.any():
            final = dense.copy()
            dense = self._dense(self.inner.reset(options={"reset_mask": ended})[0])
        rewards = torch.from_numpy(np.asarray(reward, np.float32).copy())
        flags = (torch.from_numpy(np.array(flag, bool)) for flag in (terminated, truncated, valid))
        over, cut, counts = flags
        return Step(self._observation(dense), rewards, over, cut, self._observation(final), counts)

    def state(self) -> dict[str, np.ndarray]:
        """Not to be had.

        Raises:
            OptionError: always: Gymnasium has no way to save an environment.
        """
        raise OptionError(
            "a Gymnasium environment cannot be saved, so its training cannot be resumed; train it in one go"
        )

    def restore(self, state: Mapping[str, np.ndarray]) -> Observation:
        """Not to be had, as `state`.

        Raises:
            OptionError: always.
        """
        del state
        raise OptionError("a Gymnasium environment cannot be taken up again; reset it")

    def close(self) -> None:
        """Let go of what the environments hold."""
        self.inner.close()

    def _observation(self, dense: np.ndarray) -> Observation:
        return Observation(torch.from_numpy(dense))

    def _dense(self, seen: Any) -> np.ndarray:
        spaces = _gymnasium().spaces
        if isinstance(self.inner.single_observation_space, spaces.Box):
            return np.asarray(seen, np.float32).reshape(self.accounts, -1)
        rows = _gymnasium().vector.utils.iterate(self.inner.observation_space, seen)
        return np.stack([self._row(row) for row in rows])

    def _row(self, seen: Any) -> np.ndarray:
        flat = _gymnasium().spaces.utils.flatten(self.inner.single_observation_space, seen)
        return np.asarray(flat, np.float32)

    def _action(self, action: Tensor) -> np.ndarray:
        space: Any = self.inner.single_action_space
        chosen = action.detach().cpu().numpy()
        if isinstance(self.actions, Discrete):
            if chosen.min() < 0 or chosen.max() >= self.actions.count:
                raise OptionError(f"action {chosen.min()} to {chosen.max()}; actions are 0 to {self.actions.count - 1}")
            return chosen.astype(np.int64) + getattr(space, "start", 0)
        if np.isnan(chosen).any():
            raise OptionError("an action is NaN; look at the policy's output")
        low, high = (np.asarray(bound, np.float64).reshape(-1) for bound in (space.low, space.high))
        moved = chosen.clip(self.actions.low, self.actions.high)
        if not _even(low, high):
            moved = low + (moved + 1.0) / 2.0 * (high - low)
        return moved.astype(space.dtype).reshape(self.accounts, *(space.shape or ()))


def _action_space(space: Any) -> ActionSpace:
    spaces = _gymnasium().spaces
    if isinstance(space, spaces.Discrete):
        return Discrete(int(space.n))
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating):
        low, high = space.low.reshape(-1), space.high.reshape(-1)
        if low.size and _even(low, high):  # no bound is the largest number there is, which can be written down
            return Continuous(low.size, max(float(low[0]), -LARGEST), min(float(high[0]), LARGEST))
        if low.size and np.isfinite(low).all() and np.isfinite(high).all():
            return Continuous(low.size, -1.0, 1.0)
    raise OptionError(f"cannot act in {space}; Discrete and Box of real numbers can be trained on")


def _numbers_of(space: Any) -> int:
    try:
        count = int(_gymnasium().spaces.utils.flatdim(space))
    except ValueError as error:
        raise OptionError(f"cannot observe {space}: its size changes from step to step; give it a fixed one") from error
    if not count:
        raise OptionError(f"cannot observe {space}: it holds no numbers; give the agent something to see")
    return count


def _even(low: np.ndarray, high: np.ndarray) -> bool:
    return bool((low == low[0]).all() and (high == high[0]).all())


def _gymnasium() -> Any:
    try:
        import gymnasium
        import gymnasium.vector.utils
    except ImportError as error:
        raise OptionError("Gymnasium is not installed; pip install 'edgeproof[rl]'") from error
    return gymnasium
