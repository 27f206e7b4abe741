"""Small clean problems and models: a table, images, sequences, tokens."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

BCE = nn.BCEWithLogitsLoss()
CE = nn.CrossEntropyLoss()
Pairs = list[tuple[Tensor, Tensor]]


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cut(x: Tensor, y: Tensor, size: int = 128) -> Pairs:
    return list(zip(x.split(size), y.split(size), strict=True))


def table_xy(seed: int = 0, rows: int = 512) -> tuple[Tensor, Tensor]:
    """Ten features, a label that three of them tell with some noise."""
    g = draws(seed)
    x = torch.randn(rows, 10, generator=g)
    noise = 0.3 * torch.randn(rows, generator=g)
    return x, ((x[:, 0] - x[:, 3] + 0.5 * x[:, 7] + noise) > 0).float()


def table(seed: int = 0) -> Pairs:
    return cut(*table_xy(seed))


def images(seed: int = 0) -> Pairs:
    """One channel, 8 x 8; three classes by where the brightness lies."""
    g = draws(seed)
    y = torch.arange(384) % 3
    x = torch.randn(384, 1, 8, 8, generator=g)
    x[y == 1, :, :4] += 0.7
    x[y == 2, :, 4:] += 0.7
    return cut(x, y)


def sequences(seed: int = 0) -> Pairs:
    """Twelve steps of four numbers; the label is told by the last four steps."""
    g = draws(seed)
    x = torch.randn(512, 12, 4, generator=g)
    return cut(x, (x[:, -4:, 0].sum(1) > 0).float())


def tokens(seed: int = 0) -> Pairs:
    """Each token is the one before plus one or two, of twenty; the label is the next token."""
    g = draws(seed)
    steps = torch.randint(1, 3, (256, 12), generator=g)
    first = torch.randint(20, (256, 1), generator=g)
    whole = torch.cat((first, first + steps.cumsum(1)), dim=1) % 20
    return cut(whole[:, :-1], whole[:, 1:])


def token_loss(output: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(output.reshape(-1, 20), target.reshape(-1))


def seeded(build: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build()


class Perceptron(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(10, 32)
        self.norm = nn.BatchNorm1d(32)
        self.act = nn.ReLU()
        self.drop = nn.Dropout(0.2)
        self.last = nn.Linear(32, 1)

    def hidden(self, x: Tensor) -> Tensor:
        return self.drop(self.act(self.norm(self.first(x))))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.hidden(x)).squeeze(1)


class Convolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU())
        self.last = nn.Linear(8 * 36, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.features(x).flatten(1))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.states = nn.GRU(4, 24, batch_first=True)
        self.last = nn.Linear(24, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.states(x)[0][:, -1]).squeeze(1)


class Transformer(nn.Module):
    """Predicts the next of twenty tokens."""

    causal = True

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 32)
        self.place = nn.Parameter(0.1 * torch.randn(1, 12, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.last = nn.Linear(32, 20)

    def forward(self, x: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1]) if self.causal else None
        return self.last(self.body(self.embed(x) + self.place[:, : x.shape[1]], mask=mask, is_causal=self.causal))


def adam(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=1e-3)


def step(model: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, target: Tensor) -> None:
    optimiser.zero_grad()
    BCE(model(inputs), target).backward()
    optimiser.step()
