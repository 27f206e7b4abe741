"""`CheckModel`: a Lightning callback that checks a module before it trains, and says afterwards what went wrong.

    from edgeproof.gates.lightning import CheckModel
    trainer = lightning.Trainer(callbacks=[CheckModel()])

Needs Lightning: `pip install "edgeproof[lightning]"`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from edgeproof.core.errors import GateStopped, OptionError
from edgeproof.core.finding import Finding
from edgeproof.core.progress import to_terminal
from edgeproof.gates.check import check_model
from edgeproof.gates.columns import FIGURES, SETTINGS, found
from edgeproof.gates.history import Known
from edgeproof.gates.module import Apart, taken_apart
from edgeproof.gates.report import Checked
from edgeproof.gates.symptoms import diagnose
from edgeproof.gates.told import told
from edgeproof.gates.waiting import Waiting
from edgeproof.gates.watch import Watch, begin, seen

try:
    from lightning.pytorch import Callback  # pyright: ignore[reportMissingImports] - an extra
except ImportError:
    from pytorch_lightning import Callback  # pyright: ignore[reportMissingImports] - its other name

__all__ = ["CheckModel"]

EARLY = 200  # losses of single steps that are looked at


class CheckModel(Callback):  # pyright: ignore[reportUntypedBaseClass] - an extra
    """Checks before training, a diagnosis after it; the training itself is not touched.

    Before the first step the module's training step is taken apart into a model and a loss, which `check_model` looks
    at with batches of the training loader. While it trains, losses, gradient norms and waiting times are summed on the
    device. When it ends, or breaks, `diagnose` names what its epochs show.

    Args:
        gate: `stop` ends a fit whose required checks fail, `warn` goes on.
        causal: as for `check_model`.
        thorough: as for `check_model`.
        seed: of the checks' randomness.
        write: takes the text; none: the terminal's error stream.

    Attributes:
        checked: what the checks found; none: the module could not be taken apart.
        rows: a row an epoch.
        findings: the diagnosis.
    """

    def __init__(
        self,
        gate: Literal["stop", "warn"] = "stop",
        *,
        causal: bool | None = None,
        thorough: bool = False,
        seed: int = 0,
        write: Callable[[str], object] = to_terminal,
    ) -> None:
        super().__init__()
        if gate not in ("stop", "warn"):
            raise OptionError(f"gate: {gate!r} is none of stop, warn")
        self.gate, self.causal, self.thorough, self.seed, self.write = gate, causal, thorough, seed, write
        self.checked: Checked | None = None
        self.rows: list[dict[str, Any]] = []
        self.findings: list[Finding] = []
        self.watch: Watch | None = None
        self.waiting = Waiting()
        self.steps: list[Tensor] = []
        self.norms: list[Tensor] = []
        self.failed: dict[str, Any] = {}
        self.early: list[float] = []

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Look before the first step; a fit that is taken up has looked already."""
        self.waiting = Waiting(device=pl_module.device)
        stopped = None
        if trainer.is_global_zero:
            self.watch = begin(pl_module)
            stopped = self._look(trainer, pl_module) if trainer.global_step == 0 else None
        stopped = trainer.strategy.broadcast(stopped)
        if stopped is not None:
            raise GateStopped(*stopped)

    def _look(self, trainer: Any, module: Any) -> tuple[str, str] | None:
        """(message, check) of the failure that ends the fit; None: it goes on."""
        try:
            apart = _apart(trainer.train_dataloader, module)
        except OptionError as error:
            self.write(f"edgeproof: not checked before training: {error}\n")
            return None
        self.checked = check_model(
            apart.model, apart.loss, apart.data, causal=self.causal, thorough=self.thorough, seed=self.seed
        )
        self.watch = begin(module, apart)
        failures = self.checked.failures
        wrong = "nothing is wrong" if not failures else f"{len(failures)} to look at"
        self.write(f"edgeproof: {len(self.checked.findings)} checks before training, {wrong}\n")
        if failures:
            self.write(f"{Checked(tuple(failures))}\n")
        if self.checked.ok or self.gate == "warn":
            return None
        first = failures[0]
        return (
            f"{first.check}: {first.claim}; {first.remedy} (CheckModel(gate='warn') trains all the same)",
            first.check,
        )

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """The first batch is waited for."""
        self.steps, self.norms = [], []
        self.waiting.begin()

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """A batch is there."""
        self.waiting.arrived()

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """The norm of the gradient, before it is clipped."""
        grads = [parameter.grad for parameter in pl_module.parameters() if parameter.grad is not None]
        if grads:
            self.norms.append(torch.nn.utils.get_total_norm(grads).detach())

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """The step is done."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if isinstance(loss, Tensor):
            self.steps.append(loss.detach().clone())
        self.waiting.done()

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Validation is no waiting."""
        self.waiting.pause()

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """The next batch is waited for again."""
        self.waiting.begin()

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """A row of the history."""
        self._row(trainer)

    def _row(self, trainer: Any) -> None:
        if not self.steps:
            return
        losses = torch.stack(self.steps).double().cpu()
        norms = torch.stack(self.norms).double().cpu() if self.norms else torch.tensor([math.nan])
        logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
        wanted = {figure: found(logged, FIGURES[figure]) for figure in ("validation", "auc")}
        row = {FIGURES[figure][0]: logged[name] for figure, name in wanted.items() if name is not None}
        row |= {
            "epoch": trainer.current_epoch + 1,
            "train_loss": float(losses.mean()),
            "grad_norm": float(norms.mean()),
        }
        row |= {"lr": trainer.optimizers[0].param_groups[0]["lr"], **self.waiting.row()}
        self.rows.append(row)
        self.early += losses.tolist()[: EARLY - len(self.early)]
        self.steps, self.norms = [], []
        bad = next((place for place, loss in enumerate(losses.tolist()) if not math.isfinite(loss)), None)
        if bad is not None and not self.failed:
            self.failed = _failure(len(self.rows), bad, losses.tolist(), norms.tolist())

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Say what the epochs show."""
        self._diagnose(trainer, pl_module)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """What was trained until it broke is looked at too."""
        if not isinstance(exception, GateStopped):
            self._row(trainer)
            self._diagnose(trainer, pl_module)

    def _diagnose(self, trainer: Any, module: Any) -> None:
        if not (trainer.is_global_zero and self.rows):
            return
        checked = self.checked.findings if self.checked is not None else ()
        known = replace(_known(trainer, module), failed=self.failed, checked=checked, steps=tuple(self.early))
        if self.watch is not None:
            known = seen(self.watch, module, known)
        self.findings = diagnose(self.rows, known=known)
        if self.findings:
            text = told(self.findings, checked=self.checked is not None)
            self.write(f"edgeproof: {len(self.findings)} found in {len(self.rows)} epochs\n\n{text}\n")
        else:
            self.write(f"edgeproof: nothing found wrong in {len(self.rows)} epochs\n")


def _apart(loader: Any, module: Any) -> Apart:
    """The module taken apart, the loader's and torch's random numbers left as they were."""
    held = [getattr(loader, "generator", None), getattr(getattr(loader, "sampler", None), "generator", None)]
    generators = [one for one in held if isinstance(one, torch.Generator)]
    states = [one.get_state() for one in generators]
    try:
        with torch.random.fork_rng(devices=[]):
            return taken_apart(module, loader)
    finally:
        for one, state in zip(generators, states, strict=True):
            one.set_state(state)


def _failure(epoch: int, bad: int, losses: list[float], norms: list[float]) -> dict[str, Any]:
    """What `Known.failed` holds."""
    before = slice(max(0, bad - 20), bad)
    body = {"what": "loss", "epoch": epoch, "step": bad + 1, "steps": len(losses), "losses": losses[before]}
    return body | {"norms": norms[before], "first_loss": losses[0] if bad or epoch > 1 else None}


def _known(trainer: Any, module: Any) -> Known:
    """What the trainer says of itself."""
    loader, group = trainer.train_dataloader, trainer.optimizers[0].param_groups[0]
    hyper = dict(getattr(module, "hparams", {}))
    named = found(hyper, SETTINGS["dropout"], inside=True)
    dataset = getattr(loader, "dataset", None)
    ended = trainer.max_epochs is not None and 0 <= trainer.max_epochs <= trainer.current_epoch
    return Known(
        ended="epochs" if ended else "",
        lr=group.get("initial_lr", group["lr"]),
        weight_decay=group.get("weight_decay"),
        clip_norm=trainer.gradient_clip_val,
        dropout=None if named is None else float(hyper[named]),
        batch_size=getattr(loader, "batch_size", None),
        workers=getattr(loader, "num_workers", None),
        samples=len(dataset) if hasattr(dataset, "__len__") else None,  # pyright: ignore[reportArgumentType] - seen
        parameters=sum(parameter.numel() for parameter in module.parameters()),
    )
