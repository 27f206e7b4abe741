"""Where agents learn: where the environment's tensors lie, which is what `agent.device` asks for."""

from typing import Any

import torch

from edgeproof.core.errors import OptionError

__all__ = ["check_device", "need_processor", "place_of"]


def check_device(name: str) -> None:
    """Say now that there is no such device here, and not after everything that comes before a training.

    Raises:
        ConfigError: there is none.
    """
    if name not in ("cpu", "auto"):
        from edgeproof.rl.engine.cuda import device_of  # with Numba's CUDA, which a processor does without

        device_of(name, "agent.device")


def need_processor(environment: Any, who: str) -> None:
    """Refuse an environment of a GPU where numpy reads what it gives.

    Raises:
        OptionError: it is one.
    """
    lies = getattr(environment, "place", "cpu")
    if lies != "cpu":
        raise OptionError(
            f"{who} takes environments of the processor, and this one is on {lies}; make it with device=cpu"
        )


def place_of(environment: Any, asked: str) -> torch.device:
    """The device on which the environment steps its accounts, and an agent learns.

    Raises:
        OptionError: a config asks for another one.
    """
    lies = getattr(environment, "place", "cpu")  # Gymnasium's, for one, are stepped by the processor
    if asked.partition(":")[0] not in ("auto", lies):
        raise OptionError(
            f"agent.device={asked}: an agent learns where its environment is stepped, and this one is on {lies}; write "
            f"device={lies}, or make a MarketEnv of device={asked}"
        )
    return getattr(environment, "device", torch.device("cpu"))
