"""Checks that make silent failures of training loud; usable on anyone's torch model."""

from edgeproof.gates.check import MODEL_CHECKS, check_model, check_training
from edgeproof.gates.report import Checked

__all__ = ["MODEL_CHECKS", "Checked", "check_model", "check_training"]
