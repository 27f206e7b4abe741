"""Gradient-boosted trees (Friedman 2001) on the window's last row and a few before it: the baseline without layers.

The trees are grown by scikit-learn on histograms (Ke et al. 2017); here they are plain arrays, followed by this file's
own code, so a bundle holds no pickle and needs no scikit-learn.
"""

# B batch, L window, F features, K inputs, R trees, N nodes of a tree

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from edgeproof.core.config import Config, Tune
from edgeproof.models.heads import Classifier

__all__ = ["GbmConfig", "GrownTrees", "TreeHead", "bins"]

BINS = 255
SORTED = 200_000  # samples whose order statistics cut an input into bins


@dataclass(frozen=True)
class GrownTrees:
    """Trees and what they were grown on.

    Attributes:
        estimator: scikit-learn's, grown on the numbers of bins.
        edges: of each input, ascending; bin k holds values above edge k - 1 and up to edge k.
        codes: f64[N, K] bins of the training samples.
    """

    estimator: Any
    edges: tuple[np.ndarray, ...]
    codes: np.ndarray

    def margins(self) -> Iterator[np.ndarray]:
        """Log odds f64[N] of the training samples by the first tree, the first two, and so on."""
        return (margin.ravel() for margin in self.estimator.staged_decision_function(self.codes))


class GbmConfig(Config):
    """Trees on binary cross-entropy. The number of assets is accepted and ignored.

    They are grown at once and looked at in `train.epochs` equal stages; `train.loss_metric` and `train.patience` decide
    after each as they do after an epoch, and the trees up to the best stage are kept. What belongs to gradient descent
    (rate, batch, optimiser, schedule) has no meaning here.

    Attributes:
        trees: at most.
        learning_rate: share of each tree's step that is taken (Friedman 2001, section 5).
        leaves: of a tree at most.
        min_leaf: training samples of a leaf at least.
        l2: penalty on the leaves' values.
        lags: rows before the last that are read, in bars; those beyond the window are left out.
    """

    tunes: ClassVar[dict[str, Tune | None]] = dict.fromkeys(("train.lr", "train.batch_size", "train.weight_decay"))
    name: Literal["gbm"] = "gbm"
    trees: Annotated[int, Field(ge=1, le=100_000)] = 300
    learning_rate: Annotated[float, Field(gt=0, le=1), Tune(0.01, 0.3, log=True)] = 0.05
    leaves: Annotated[int, Field(ge=2, le=65536), Tune(choices=(7, 15, 31, 63))] = 15
    min_leaf: Annotated[int, Field(ge=1), Tune(choices=(20, 100, 500))] = 100
    l2: Annotated[float, Field(ge=0), Tune(1e-3, 10.0, log=True)] = 1.0
    lags: tuple[Annotated[int, Field(ge=1)], ...] = (1, 2, 5, 11, 23)

    def build(self, n_features: int, window: int, n_assets: int) -> Classifier:
        """The module `forward(x_BLF, asset_B) -> logit_B`, still without a tree: every logit is 0."""
        del n_features, n_assets
        rows = [0, *(lag for lag in self.lags if lag < window)]
        return Classifier(_Rows(rows), TreeHead(self.trees, 2 * self.leaves - 1))

    def fit_trees(self, z_NK: np.ndarray, y_N: np.ndarray, weight_N: np.ndarray) -> GrownTrees:
        """All trees, grown on these samples."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        # scikit-learn's own binning of weighted samples sorts each input once a bin: 254 times slower
        edges = tuple(_edges(column) for column in z_NK[:: -(-len(z_NK) // SORTED)].T)
        codes = bins(z_NK, edges)
        estimator = HistGradientBoostingClassifier(
            max_iter=self.trees,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.min_leaf,
            l2_regularization=self.l2,
            early_stopping=False,  # pyright: ignore[reportArgumentType] - its stub knows text only
            max_bins=BINS,
            random_state=0,  # nothing is drawn
        )
        return GrownTrees(estimator.fit(codes, y_N, sample_weight=weight_N), edges, codes)


def _edges(column: np.ndarray) -> np.ndarray:
    """Every value but the largest, or where there are more than 254 of them, 254 quantiles."""
    ordered = np.sort(column)
    values = np.unique(ordered)
    if len(values) <= BINS:
        return values[:-1]
    levels = np.arange(1, BINS) / BINS
    return np.unique(ordered[(levels * (len(ordered) - 1)).astype(np.int64)])


def bins(z_NK: np.ndarray, edges: tuple[np.ndarray, ...]) -> np.ndarray:
    """f64[N, K] number of the bin of each value."""
    return np.stack([np.searchsorted(edge, z_NK[:, k]) for k, edge in enumerate(edges)], axis=1).astype(np.float64)


class _Rows(nn.Module):
    """`(x_BLF, asset_B) -> z_BK`: the window's rows at these lags, side by side."""

    def __init__(self, lags: list[int]) -> None:
        super().__init__()
        self.lags = lags

    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        del asset_B
        return torch.cat([x_BLF[:, -1 - lag] for lag in self.lags], dim=1)


class TreeHead(nn.Module):
    """`z_BK -> logit_B`: the sum of the leaves that a sample falls into.

    Node i of a tree sends a sample to `left[i]` where its input `feature[i]` is at most `threshold[i]`, else to
    `right[i]`; a leaf sends it to itself. Values and thresholds are float64, as scikit-learn's.
    """

    def __init__(self, trees: int, nodes: int) -> None:
        super().__init__()
        itself = torch.arange(nodes).repeat(trees, 1)
        self.feature = nn.Buffer(torch.zeros((trees, nodes), dtype=torch.int64))
        self.threshold = nn.Buffer(torch.zeros((trees, nodes), dtype=torch.float64))
        self.left, self.right = nn.Buffer(itself), nn.Buffer(itself.clone())
        self.value = nn.Buffer(torch.zeros((trees, nodes), dtype=torch.float64))
        self.start = nn.Buffer(torch.zeros(1, dtype=torch.float64))
        self.used = nn.Buffer(torch.zeros(1, dtype=torch.int64))

    def take(self, grown: GrownTrees, trees: int) -> None:
        """Take over the first of scikit-learn's trees; their thresholds between bins become edges of bins."""
        predictors = grown.estimator._predictors[:trees]
        self.start.fill_(float(grown.estimator._baseline_prediction.item()))
        for number, (tree,) in enumerate(predictors):
            nodes = tree.nodes
            inner, itself = nodes["is_leaf"] == 0, np.arange(len(nodes))
            cuts = zip(inner, nodes["feature_idx"], nodes["num_threshold"], strict=True)
            columns = {
                "feature": np.where(inner, nodes["feature_idx"], 0),
                "threshold": np.array([grown.edges[k][int(cut)] if is_inner else 0.0 for is_inner, k, cut in cuts]),
                "left": np.where(inner, nodes["left"], itself),
                "right": np.where(inner, nodes["right"], itself),
                "value": np.where(inner, 0.0, nodes["value"]),
            }
            for name, column in columns.items():
                place = self.get_buffer(name)[number, : len(nodes)]
                place.copy_(torch.from_numpy(column))
        self.used.fill_(len(predictors))

    def margin(self, z_BK: Tensor) -> Tensor:
        """Log odds of a positive, f64[B]."""
        used, z_BK = int(self.used.item()), z_BK.double()
        at_RB = torch.zeros((used, len(z_BK)), dtype=torch.int64, device=z_BK.device)
        while used:
            feature_RB = self.feature[:used].gather(1, at_RB)
            below_RB = z_BK.T.gather(0, feature_RB) <= self.threshold[:used].gather(1, at_RB)
            next_RB = torch.where(below_RB, self.left[:used].gather(1, at_RB), self.right[:used].gather(1, at_RB))
            if torch.equal(next_RB, at_RB):
                break
            at_RB = next_RB
        return self.start + self.value[:used].gather(1, at_RB).sum(dim=0)

    def forward(self, z_BK: Tensor) -> Tensor:
        """One logit a sample, f32[B]."""
        return self.margin(z_BK).float()
