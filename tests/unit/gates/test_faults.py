"""Every planted fault is caught by the check that is named for it, and the same thing without the fault passes."""

import json

import pytest
import torch

from edgeproof.core.finding import Finding
from edgeproof.core.sketch import MOST_POINTS, plots_of, sketch
from edgeproof.gates import check_model, check_training
from edgeproof.gates.check import MODEL_CHECKS
from edgeproof.gates.report import Checked
from edgeproof.gates.step import STEP_CHECKS
from edgeproof.gates.subject import subject_of
from edgeproof.verdict.ready import json_ready
from tests.unit.gates.faults import FAULTS, STEP_FAULTS, Column, Fault, StepFault
from tests.unit.gates.subjects import BCE, Perceptron, adam, seeded, step, table

DRAWN = {
    "data.scale": "histogram",
    "data.labels": "bars",
    "data.target_in_inputs": "bars",
    "data.target_shifted": "bars",
    "data.signal": "histogram",
    "start.outputs": "histogram",
    "start.loss": "histogram",
    "flow.gradients": "bars",
    "flow.dead_units": "bars",
    "flow.mixing": "bars",
    "flow.time_order": "strip",
    "flow.inputs_used": "bars",
    "loss.direction": "histogram",
    "capacity.inputs_matter": "line",
    "capacity.one_batch": "line",
    "training.parameters_move": "bars",
    "training.loss_falls": "bars",
}
ONLY_WHERE_IT_FAILS = ("flow.mixing",)
NOT_ASKED = ("not looked at", "nothing to", "no prior", "no activation layers", "not finite", "NaN", "runs")


def well_formed(finding: Finding) -> None:
    """Severity, what was measured and against what; of a failure its fix in one sentence; small plots."""
    assert finding.claim
    assert not finding.claim.endswith(".")
    assert {"measured", "threshold"} <= set(finding.evidence)
    json.dumps(json_ready(finding.to_json()), allow_nan=False)
    if finding.level != "info":
        assert finding.remedy
        assert not finding.remedy.endswith(".")
        assert ". " not in finding.remedy
        assert finding.evidence["measured"] is not None
        assert finding.evidence["threshold"] is not None
    for plot in plots_of(finding.evidence):
        assert set(plot) >= {"kind", "title", "x", "y", "x_label", "y_label", "threshold"}
        assert 1 <= len(plot["x"]) == len(plot["y"]) <= MOST_POINTS
        assert all(len(line) == len(plot["x"]) for line in plot.get("beside", {}).values())
        assert sketch(plot)
    expected = DRAWN.get(finding.check)
    asked = not any(word in finding.claim for word in NOT_ASKED) and "breaks" not in finding.claim
    if expected and asked and not (finding.level == "info" and finding.check in ONLY_WHERE_IT_FAILS):
        assert [plot["kind"] for plot in plots_of(finding.evidence)] == [expected]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_fault_is_caught_by_name_and_its_clean_twin_passes(fault: Fault):
    check = MODEL_CHECKS[fault.caught_by]
    broken = check(subject_of(seeded(fault.model), fault.loss, fault.data()))
    assert broken.check == fault.caught_by
    assert broken.level != "info", broken.claim
    well_formed(broken)
    clean = check(subject_of(seeded(fault.clean_model), fault.clean_loss, fault.clean_data()))
    assert clean.level == "info", clean.claim
    well_formed(clean)


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
    for finding in found:
        well_formed(finding)


def test_a_right_step_passes_every_check():
    found = check_training(seeded(Perceptron), BCE, table(), optimiser=adam, step=step)
    assert found.ok
    assert not found.failures
    for finding in found:
        well_formed(finding)


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


def test_every_check_has_a_name_of_its_own_and_is_drawn_or_has_nothing_to_draw():
    plain = {"data.finite", "data.varied", "data.duplicates", "loss.computes", "start.same_steps", "flow.registered"}
    plain |= {"flow.modes", "loss.own_target", "capacity.many_samples", "training.mode", "training.gradients_fresh"}
    steps = {f"training.{check.__name__}" for check in STEP_CHECKS if check.__name__ != "training_mode"}
    assert set(MODEL_CHECKS) | steps | {"training.mode"} == set(DRAWN) | plain
    assert len(MODEL_CHECKS) + len(STEP_CHECKS) == 28


def test_a_notebook_shows_failures_open_with_their_plots_and_the_rest_folded():
    text = check_model(seeded(Perceptron), BCE, [(x, y.roll(1)) for x, y in table()])._repr_html_()
    failed, _, passed = text.partition("<details><summary>")
    assert "STOP" in failed or "look" in failed
    assert "<b>fix</b>" in failed
    assert "<svg" in failed
    assert "checks passed</summary>" in passed
    evil = Checked((Finding("a.<b>", "error", "<script>", {"plot": None}, "", "<i>"),))._repr_html_()
    assert "<script" not in evil
    assert "<i>" not in evil
