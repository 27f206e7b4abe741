"""A run's own model, loss and samples under the checks of any model: what a table of epochs cannot tell apart."""

# B batch

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from edgeproof.core.errors import DataError, OptionError
from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.data.store import Market, open_market
from edgeproof.features.scale import apply, fit_preprocessor
from edgeproof.gates.check import check_model
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.learn import proven_folds
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.shown import shown
from edgeproof.recipe.walk_agent import agent_steps
from edgeproof.samples.dataset import make_dataset
from edgeproof.samples.windows import window_view
from edgeproof.train.seeding import seeded

__all__ = ["look"]

BATCHES, SIZE = 4, 256
STIR = 0.01
BY_DESIGN = ("flow.inputs_used", "input 2")  # a model need not tell symbols apart


def look(folder: RunFolder, market: Path) -> list[Finding]:
    """Check the run's untrained model, its loss and 1,024 of its training samples; sealed bars are not read.

    Of an agent: the learner, the environment and the first update. Answers what failed, worst first.

    Raises:
        DataError: another market.
        OptionError: a model that is not trained by gradients.
    """
    identity, config, opened = folder.state()["identity"], folder.config(), open_market(market)
    if config.has_agent:
        return _agent(folder, opened)
    if hasattr(config.model, "fit_trees"):
        raise OptionError(f"{folder.path}: a model of trees has no gradients to check; leave --market out")
    _check_market(folder, opened)
    prepared = prepare(config, opened, open_bars(config, opened, Ledger(Path(identity["workspace"]))))
    fold = proven_folds(config, prepared)[-1]
    x = apply(fit_preprocessor(prepared.table, fold.train), prepared.table.x)
    data = make_dataset(x, prepared.labels, fold, window=config.window, symbols=prepared.panel.symbols)
    rng = Rng(config.seed)
    chosen = rng.child("doctor").numpy().permutation(fold.train)[: BATCHES * SIZE]
    windows = window_view(torch.from_numpy(np.ascontiguousarray(data.x)), config.window)
    pairs = [_batch(windows, data, part) for part in np.array_split(chosen, BATCHES)]
    model_config: Any = config.model
    with seeded(rng.child("train", "init")):
        model: nn.Module = model_config.build(data.x.shape[2], config.window, len(data.symbols))
        _stir(model, pairs[0][:2])
    loss: Any = config.loss
    share = float(data.y.reshape(-1)[fold.train].mean())
    failures = check_model(model, loss.build(share), pairs, seed=config.seed).failures
    return [found for found in failures if (found.check, found.where) != BY_DESIGN]


def _agent(folder: RunFolder, market: Market) -> list[Finding]:
    """What the gates of an agent's run say now, worst first."""
    _check_market(folder, market)
    config, ledger = folder.config(), Ledger(Path(folder.state()["identity"]["workspace"]))
    span = open_bars(config, market, ledger)
    prepared = prepare(config, market, span)
    seen = shown(config, prepared, ledger, proven_folds(config, prepared)[-1], market=span.market)
    return agent_steps(seen)[0].failures


def _check_market(folder: RunFolder, market: Market) -> None:
    if market.identity != folder.state()["identity"]["market"]:
        raise DataError(f"{market.path}: not the market of this run (its bars or universe differ); give the right one")


def _stir(model: nn.Module, inputs: tuple[Any, ...]) -> None:
    """A model that begins with weights of zero says the same of everything: move it a little to see it."""
    with torch.no_grad():
        said = model.eval()(*inputs)
        if bool((said == said[0]).all()):
            for parameter in model.parameters():
                parameter.add_(STIR * torch.randn_like(parameter))


def _batch(windows: torch.Tensor, data: Any, index: np.ndarray) -> tuple[Any, ...]:
    """Windows f32[B, L, F], symbols i64[B], labels f32[B]."""
    places = torch.from_numpy(index)
    rows = windows.index_select(0, places - (data.window - 1)).reshape(len(index), data.window, -1)
    asset = places // data.x.shape[1]
    return rows, asset, torch.from_numpy(data.y.reshape(-1)[index].astype(np.float32))
