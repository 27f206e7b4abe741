"""Every planted fault is caught by the check that is named for it, and the same thing without the fault passes."""

import pytest
import torch

from edgeproof.gates import check_model, check_training
from edgeproof.gates.check import MODEL_CHECKS
from edgeproof.gates.subject import subject_of
from tests.unit.gates.faults import FAULTS, STEP_FAULTS, Column, Fault, StepFault
from tests.unit.gates.subjects import BCE, Perceptron, adam, seeded, step, table


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_fault_is_caught_by_name_and_its_clean_twin_passes(fault: Fault):
    check = MODEL_CHECKS[fault.caught_by]
    broken = check(subject_of(seeded(fault.model), fault.loss, fault.data()))
    assert broken.check == fault.caught_by
    assert broken.level != "info", broken.claim
    assert broken.remedy
    clean = check(subject_of(seeded(fault.clean_model), fault.clean_loss, fault.clean_data()))
    assert clean.level == "info", clean.claim


def test_a_loss_that_cannot_be_taken_is_said_once():
    found = check_model(seeded(Column), BCE, table())
    (failure,) = found.failures
    assert failure.check == "loss.computes"
    assert "ValueError" in failure.claim


def test_shapes_that_are_broadcast_come_before_the_sign_that_they_spoil():
    names = list(MODEL_CHECKS)
    assert names.index("loss.own_target") < names.index("loss.direction")


@pytest.mark.parametrize("fault", STEP_FAULTS, ids=lambda fault: fault.name)
def test_the_step_fault_is_caught_by_name(fault: StepFault):
    found = check_training(seeded(Perceptron), BCE, table(), optimiser=fault.optimiser, step=fault.step)
    assert found[fault.caught_by].level != "info", str(found)


def test_a_right_step_passes_every_check():
    found = check_training(seeded(Perceptron), BCE, table(), optimiser=adam, step=step)
    assert found.ok
    assert not found.failures


def test_every_check_has_a_fault_that_it_must_catch():
    caught = {fault.caught_by for fault in FAULTS}
    assert set(MODEL_CHECKS) - caught == {"capacity.many_samples"}  # its fault is that of one_batch


def test_nothing_that_is_looked_at_changes():
    model, before = seeded(Perceptron), torch.random.get_rng_state()
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    for name in ("flow.gradients", "capacity.inputs_matter", "start.same_steps", "flow.modes"):
        MODEL_CHECKS[name](subject_of(model, BCE, table()))
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert torch.equal(before, torch.random.get_rng_state())
    assert model.training
