"""Reinforcement learning: thousands of accounts stepped as one, populations of agents trained as one."""

from edgeproof.core.config import Config
from edgeproof.rl.settings import NoAgentConfig, PpoConfig

__all__ = ["AGENTS", "NoAgentConfig", "PpoConfig"]

AGENTS: dict[str, type[Config]] = {"none": NoAgentConfig, "ppo": PpoConfig}
