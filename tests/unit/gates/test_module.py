"""A module with its own training step is taken apart into the model, loss and batches that the checks look at."""

import pytest
import torch
from torch import nn

import edgeproof
from edgeproof.core.errors import OptionError
from edgeproof.gates import Known
from edgeproof.gates.flow import gradients
from edgeproof.gates.module import taken_apart
from edgeproof.gates.subject import subject_of
from edgeproof.gates.watch import begin, seen


class Step(nn.Module):
    """As a Lightning module is written; `how` is what its training step calls."""

    def __init__(self, how="net", cut=False):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 3))
        self.other = nn.Linear(12, 3) if how == "two" else nn.Identity()
        self.crit, self.how, self.cut = nn.CrossEntropyLoss(), how, cut
        self.logged = []

    def log(self, *words):
        self.logged.append(words)

    def forward(self, x):
        hidden = self.net[1](self.net[0](x))
        return self.net[2](hidden.detach() if self.cut else hidden)

    def training_step(self, batch, number):
        x, y = batch
        x = 2.0 * x.flatten(1)
        said = self(x) if self.how == "self" else self.net(x)
        if self.how == "two":
            said = said + self.other(x)
        loss = self.crit(said, y)
        self.log("loss", loss)
        return {"loss": loss} if number == 0 and self.how == "self" else loss


def loader():
    draw = torch.Generator().manual_seed(0)
    y = torch.arange(192) % 3
    x = torch.randn(192, 3, 4, generator=draw) + y[:, None, None] * torch.linspace(-1, 1, 4)
    return [list(pair) for pair in zip(x.split(64), y.split(64), strict=True)]


@pytest.mark.parametrize("how", ["net", "self"])
def test_model_loss_and_inputs_are_those_of_the_step(how):
    torch.manual_seed(0)
    module = Step(how)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    apart = taken_apart(module, loader())
    (inputs,), target = apart.data[1]
    assert torch.equal(inputs, 2.0 * loader()[1][0].flatten(1))
    assert torch.equal(target, loader()[1][1])
    said = apart.model(inputs)
    direct = nn.functional.cross_entropy(module.net(inputs), target)
    assert apart.loss(said, target).item() == pytest.approx(direct.item(), rel=1e-6)
    few = nn.functional.cross_entropy(said[:5], target[:5]).item()
    assert apart.loss(said[:5], target[:5]).item() == pytest.approx(few, rel=1e-6)
    assert module.logged == []
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_the_checks_name_a_fault_by_the_modules_own_parameters():
    torch.manual_seed(0)
    apart = taken_apart(Step("self", cut=True), loader())
    found = gradients(subject_of(apart.model, apart.loss, apart.data))
    assert found.level == "error"
    assert found.where.startswith("net.0")
    clean = taken_apart(Step("net"), loader())
    assert gradients(subject_of(clean.model, clean.loss, clean.data)).level == "info"


def test_a_step_that_is_no_model_and_loss_is_refused_in_one_line():
    with pytest.raises(OptionError, match="calls net, other, not one model once"):
        taken_apart(Step("two"), loader())
    with pytest.raises(OptionError, match="no batch"):
        taken_apart(Step(), [])
    with pytest.raises(OptionError, match="no pair"):
        taken_apart(Step(), [{"x": 1}])


def test_inputs_that_a_model_cannot_take_are_told_in_one_line_with_their_shape():
    data = (torch.randn(8, 5), torch.ones(8))
    with pytest.raises(OptionError, match=r"breaks on inputs of shape \[8, 5\]: RuntimeError: .*run model"):
        edgeproof.check_model(nn.Linear(9, 1), nn.BCEWithLogitsLoss(), data)


def test_a_model_is_compared_with_its_own_beginning():
    torch.manual_seed(0)
    module = Step("net")
    watch = begin(module, taken_apart(module, loader()))
    assert seen(watch, module, Known()).moved == 0.0
    with torch.no_grad():
        dict(module.named_parameters())["net.0.bias"].fill_(-100.0)
    after = seen(watch, module, Known())
    assert after.moved is not None
    assert after.moved > 10
    assert after.dead["net.1 of 16 units"] == (pytest.approx(watch.most), 1.0)
    assert after.prior == pytest.approx(torch.log(torch.tensor(3.0)).item(), rel=1e-4)
