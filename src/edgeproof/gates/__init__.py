"""Checks that make silent failures of training loud; usable on anyone's torch model."""

from edgeproof.gates.agent_history import AgentKnown
from edgeproof.gates.agent_symptoms import diagnose_agent, diagnose_agent_seeds
from edgeproof.gates.check import MODEL_CHECKS, check_model, check_training
from edgeproof.gates.history import Known
from edgeproof.gates.report import Checked
from edgeproof.gates.samples import SampleTable, check_samples, samples_of
from edgeproof.gates.seeds import diagnose_seeds
from edgeproof.gates.symptoms import diagnose
from edgeproof.gates.told import told
from edgeproof.gates.waiting import Waiting

__all__ = ["MODEL_CHECKS", "Checked", "Known", "Waiting", "check_model", "check_training", "diagnose", "diagnose_seeds"]
__all__ += ["AgentKnown", "diagnose_agent", "diagnose_agent_seeds"]
__all__ += ["SampleTable", "check_samples", "samples_of", "told"]
