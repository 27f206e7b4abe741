"""A market's samples as plain arrays, for the checks of sample quality and for the page that shows them."""

# S symbols, T bars, N samples

import numpy as np

from edgeproof.gates.samples_table import PARTS, SampleTable
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared
from edgeproof.samples.split.fold import Fold

__all__ = ["sample_table"]


def sample_table(config: RunConfig, prepared: Prepared, fold: Fold) -> SampleTable:
    """The samples of a fold as the model will be shown them, features not yet scaled.

    Args:
        config: the run's config.
        prepared: the open span.
        fold: one of `learn.proven_folds`; what it purged is left out.
    """
    bars, parts = prepared.table.ready.shape[1], (fold.train, fold.validation, fold.test)
    index = np.concatenate(parts)
    part = np.repeat(np.arange(len(PARTS), dtype=np.int8), [len(each) for each in parts])
    order = np.lexsort((index // bars, index % bars))
    index, part = index[order], part[order]
    return SampleTable(
        rows=prepared.table.x.reshape(-1, prepared.table.x.shape[2]),
        ends=index,
        y=prepared.labels.y.reshape(-1)[index],
        part=part,
        time=prepared.panel.close_time[index % bars],
        names=prepared.table.names,
        window=config.window,
        source=index // bars,
        sources=prepared.panel.symbols,
    )
