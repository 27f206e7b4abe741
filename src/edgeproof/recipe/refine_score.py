"""What a trial's forecasts are worth: losses on validation sample by sample, on training samples, and of the prior."""

# S symbols, T bars, N samples

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from edgeproof.core.config import Config
from edgeproof.features.scale import apply
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.learn import Learned
from edgeproof.recipe.prepare import Prepared
from edgeproof.train.forecast import predict

__all__ = ["Score", "fold_losses", "prior_logit", "yardstick"]

MOST_TRAINED_ON = 20_000  # training samples that are forecast to know the gap; its standard error is about 0.001 nats
Score = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""`(logit_N, y_N) -> loss_N`."""


def yardstick(loss: Config, share: float) -> Score:
    """The configured loss without label smoothing, a value a sample; of `bce` the log loss in nats.

    Trials that change the loss are compared by that of the run's own config. Focal and weighted losses ask for other
    probabilities than the true ones, so that their log loss is worse than the prior's where nothing is wrong.

    Args:
        loss: an entry of LOSSES.
        share: positives among the training samples.
    """
    plain: Any = loss.model_copy(update={"label_smoothing": 0.0})
    build = plain.build(share)

    def score(logit_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
        logit, y = (torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64)) for values in (logit_N, y_N))
        return build(logit, y).numpy()

    return score


def prior_logit(score: Score, share: float) -> float:
    """The best answer that is the same for all samples, of labels with this share of positives."""
    labels, weights = np.array([0.0, 1.0]), np.array([1 - share, share])

    def loss(z: float) -> float:
        return float(weights @ score(np.full(2, z), labels))

    found: Any = minimize_scalar(loss, bounds=(-15.0, 15.0), method="bounded", options={"xatol": 1e-10})
    return float(found.x)


def fold_losses(
    config: RunConfig, prepared: Prepared, learned: Learned, loss: Config
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """A fold's losses on its validation samples, and the means on these and on its training samples.

    Args:
        config: of the training.
        prepared: its span.
        learned: the finished training.
        loss: of the `yardstick`.

    Returns:
        `key` and `bar` i64[N] (fold and index), `loss` and `prior` f64[N]; means `loss`, `prior` and `train`.
    """
    fold, T = learned.fold, prepared.panel.present.shape[1]
    y, logit = prepared.labels.y.reshape(-1), learned.forecast.logit.reshape(-1)
    share = float(y[fold.train].mean())
    score, index = yardstick(loss, share), fold.validation
    losses = score(logit[index], y[index])
    priors = score(np.full(len(index), prior_logit(score, share)), y[index])
    arrays = {
        "key": fold.number * prepared.labels.y.size + index,
        "bar": fold.number * T + index % T,
        "loss": losses,
        "prior": priors,
    }
    means = {
        "loss": losses.mean(),
        "prior": priors.mean(),
        "train": _on_training(config.window, prepared, learned, score),
    }
    return arrays, {name: float(value) for name, value in means.items()}


def _on_training(window: int, prepared: Prepared, learned: Learned, score: Score) -> float:
    """Mean loss of the kept model on clean training samples, evenly chosen, without dropout."""
    train, y = learned.fold.train, prepared.labels.y.reshape(-1)
    chosen = train[np.linspace(0, len(train) - 1, min(len(train), MOST_TRAINED_ON)).astype(np.int64)]
    x = apply(learned.preprocessor, prepared.table.x)
    said = predict(learned.trained.model, x, chosen, window=window).logit.reshape(-1)[chosen]
    return float(score(said, y[chosen]).mean())
