"""Reinforcement learning: thousands of accounts stepped as one, populations of agents trained as one."""
