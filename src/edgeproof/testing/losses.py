"""What every loss of the catalog must be: a finite value a sample, falling as the forecast turns to the truth."""

from collections.abc import Callable

import torch

from edgeproof.core.config import Config

__all__ = ["LOSS_CHECKS", "check_direction", "check_extremes", "check_gradient", "check_per_sample"]


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise AssertionError(text)


def _loss(config: Config, logit: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return config.build()(logit, y)  # pyright: ignore[reportAttributeAccessIssue] - every loss config builds


def check_per_sample(config: Config) -> None:
    """One value a sample, not negative, each from its own logit and label alone."""
    logit = torch.linspace(-3, 3, 8)
    y = (torch.arange(8) % 2).float()
    loss = _loss(config, logit, y)
    _require(loss.shape == logit.shape, f"the loss has shape {tuple(loss.shape)}, not one value a sample")
    _require(bool((loss >= 0).all()), "the loss is negative")
    alone = torch.stack([_loss(config, logit[i : i + 1], y[i : i + 1])[0] for i in range(8)])
    _require(torch.allclose(loss, alone, rtol=1e-6, atol=0), "a sample's loss depends on the other samples")


def check_direction(config: Config) -> None:
    """For a positive the loss falls as the logit rises, for a negative the other way round."""
    logit = torch.linspace(-6, 6, 121)
    positive, negative = _loss(config, logit, torch.ones(121)), _loss(config, logit, torch.zeros(121))
    _require(bool((positive.diff() < 0).all()), "a positive's loss does not fall as its logit rises")
    _require(bool((negative.diff() > 0).all()), "a negative's loss does not rise with its logit")


def check_extremes(config: Config) -> None:
    """Logits of +-80 give finite losses and gradients; certainty of the truth costs (nearly) nothing."""
    logit = torch.tensor([-80.0, 80.0, -80.0, 80.0], requires_grad=True)
    loss = _loss(config, logit, torch.tensor([0.0, 0.0, 1.0, 1.0]))
    loss.sum().backward()
    _require(bool(loss.isfinite().all()), "an extreme logit gives a loss that is not finite")
    _require(logit.grad is not None and bool(logit.grad.isfinite().all()), "an extreme logit gives no finite gradient")
    _require(bool((loss[[0, 3]] < 1e-20).all()), "certainty of the truth costs something")


def check_gradient(config: Config) -> None:
    """The gradient is that of the loss (finite differences in float64)."""
    logit = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)
    for value in (0.0, 1.0):
        y = torch.full((9,), value, dtype=torch.float64)
        torch.autograd.gradcheck(lambda z, y=y: _loss(config, z, y), (logit,))


LOSS_CHECKS: dict[str, Callable[[Config], None]] = {
    "per_sample": check_per_sample,
    "direction": check_direction,
    "extremes": check_extremes,
    "gradient": check_gradient,
}
