"""Leakage: checks on anything that could see the future, each with the planted fault that it must catch."""

from edgeproof.leakage.causal import check_causal
from edgeproof.leakage.stable import check_stable

__all__ = ["check_causal", "check_stable"]
