"""What each feature is worth to a trained model: what it loses when the feature is shuffled among samples.

Asked of the first fold alone, and only where no fold holds out a bar of its training part: else the labels that later
folds are tested on would choose the inputs of those before.
"""

# S symbols, T bars, N samples, L window, F features

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch

from edgeproof.core.config import Config
from edgeproof.core.rng import Rng
from edgeproof.features.scale import apply
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.learn import Learned
from edgeproof.recipe.refine_score import yardstick
from edgeproof.recipe.refine_steps import Ground
from edgeproof.samples.split.fold import Fold
from edgeproof.samples.windows import gather
from edgeproof.train.forecast import as_tensor

__all__ = ["holds_out_training", "inputs_worth"]

ASKED = 4096  # training samples on which a feature's worth is measured


def holds_out_training(folds: Sequence[Fold]) -> bool:
    """Whether some fold validates or tests on what the first one trains on."""
    held = np.concatenate([part for fold in folds for part in (fold.validation, fold.test)])
    return bool(np.isin(folds[0].train, held).any())


def inputs_worth(ground: Ground, config: RunConfig, learned: Learned) -> dict[str, float]:
    """What a model loses when a feature's windows are shuffled among training samples (Breiman 2001, section 10).

    Not among those of validation, which has no part in the choice of inputs.

    Args:
        ground: its bench's loss is the measure.
        config: of the training.
        learned: a finished training.
    """
    prepared, train = ground.bench.prepared(config), learned.fold.train
    y_ST, share = prepared.labels.y, float(prepared.labels.y.reshape(-1)[train].mean())
    chosen = train[np.linspace(0, len(train) - 1, min(len(train), ASKED)).astype(np.int64)]
    index, y = torch.from_numpy(chosen), y_ST.reshape(-1)[chosen]
    x_NLF = gather(as_tensor(apply(learned.preprocessor, prepared.table.x)), index, config.window)
    score = yardstick(cast("Config", ground.bench.config.loss), share)
    model, asset = learned.trained.model.cpu().eval(), index // y_ST.shape[1]

    def loss(windows_NLF: torch.Tensor) -> float:
        with torch.inference_mode():
            return float(score(model(windows_NLF, asset).numpy(), y).mean())

    whole, order = loss(x_NLF), torch.from_numpy(Rng(config.seed).child("inputs").numpy().permutation(len(chosen)))
    found = {}
    for number, name in enumerate(prepared.table.names):
        mixed = x_NLF.clone()
        mixed[:, :, number] = x_NLF[order, :, number]
        found[name] = loss(mixed) - whole
    return found
