"""What an agent learned, update by update, and what it does: its actions, its exposure, its accounts on validation."""

# S symbols in accounts of A assets, T bars

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from edgeproof.report.backtest import times_of
from edgeproof.report.chart import Plot, area, bars, line, plot, vertical
from edgeproof.report.number import MINUS, clip, get, is_number, show
from edgeproof.report.part import Block, Cell, Figure, Grid, Section, Table, Text
from edgeproof.report.settings import settings_of

__all__ = ["account_assets", "actions_section", "is_agent", "learning_section", "part_weights"]

CURVE_POINTS = 400
WHOLE = 0.25  # of probability, for a whole position: see `backtest.policies.follow`
PARTS = ("direction", "magnitude", "pnl", "exits", "exploration", "drawdown")
COLORS = ("@net", "@gross", "@cost-1", "@cost-2", "@cost-3", "@cost-4")
STRETCHES = 80  # of time, over which exposure is a mean
LEAST_PAID = 0.0005
EACH = 12  # accounts that are drawn one by one; of more a band
DRAWN = 24  # symbols of an account that are drawn; of more those that it asked for most
DECIDED = 0.1  # of an even choice's entropy: below it hardly anything is tried any more
TOLD = {
    "score": ("Net growth, bps a bar", "ratio"),
    "sharpe": ("Sharpe ratio, annual", "ratio"),
    "profit_factor": ("Gains over losses of bars", "ratio"),
    "consistency": ("Months with a gain", "percent"),
    "skew": ("Skew of bars", "ratio"),
    "max_drawdown": ("Maximum drawdown", "percent"),
    "active": ("Mean size of positions", "percent"),
    "turnover": ("Traded a bar, times equity", "ratio"),
}


def is_agent(history: pl.DataFrame) -> bool:
    """Whether this is the history of an agent's training."""
    return {"policy_loss", "explained_variance"} <= set(history.columns)


def part_weights(config_yaml: str) -> dict[str, float]:
    """Weight of each part of a weighted reward; empty of another reward."""
    reward = get(settings_of(config_yaml), "environment", "reward")
    if not isinstance(reward, Mapping) or reward.get("name") != "weighted":
        return {}
    return {name: float(reward[name]) for name in PARTS if is_number(reward.get(name))}


def account_assets(config_yaml: str) -> int:
    """How many symbols share one account of the agent."""
    assets = get(settings_of(config_yaml), "environment", "assets")
    return int(assets) if is_number(assets) and assets > 1 else 1


def _accounts(assets: int) -> str:
    return "an account a symbol" if assets == 1 else f"an account of {assets} symbols"


def _column(history: pl.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Updates at which a figure is there, and the figure."""
    if name not in history.columns:
        return np.empty(0), np.empty(0)
    known = history.select("epoch", pl.col(name).cast(pl.Float64, strict=False)).drop_nulls()
    return known["epoch"].to_numpy(), known[name].to_numpy()


def _kept(history: pl.DataFrame) -> int | None:
    best = history.filter(pl.col("best"))["epoch"].to_list() if "best" in history.columns else []
    return best[-1] if best else None


def _drawn(history: pl.DataFrame, lines: Mapping[str, tuple[np.ndarray, np.ndarray]], y: str) -> Plot | None:
    """Lines by name over updates, the kept one marked."""
    traces = []
    for (name, (x, values)), color in zip(lines.items(), COLORS, strict=False):
        if len(x):
            trace = line(x, values, name=name, color=color, limit=CURVE_POINTS)
            traces.append(trace | ({"mode": "lines+markers", "marker": {"size": 4}} if len(x) < 60 else {}))
    if not traces:
        return None
    kept, count = _kept(history), len(history)
    marks = _stage_marks(history)
    if kept is not None:
        marks["shapes"] += vertical(float(kept), "", "@muted")["shapes"]
    step = {"dtick": 1} if count <= 8 else {"nticks": 8}
    across = {"title": "update", "range": [1 - 0.04 * count - 0.3, count + 0.04 * count + 0.3]} | step
    return plot(traces, x=across, y={"title": y, "tickformat": ".3~g"}, **marks)


def _stages(history: pl.DataFrame) -> list[tuple[int, int, int]]:
    """Each stage of a curriculum with its first and its last update; empty of a training without stages."""
    if "stage" not in history.columns:
        return []
    known = history.select("epoch", "stage").drop_nulls()
    spans = known.group_by("stage").agg(first=pl.col("epoch").min(), last=pl.col("epoch").max()).sort("first")
    return [(int(stage), int(first), int(last)) for stage, first, last in spans.iter_rows()]


def _stage_marks(history: pl.DataFrame) -> dict[str, list[Any]]:
    """A line where a stage begins, with its name; nothing of a training of one stage."""
    marks: dict[str, list[Any]] = {"shapes": [], "annotations": []}
    stages = _stages(history)
    for stage, first, _ in stages if len(stages) > 1 else ():
        stroke = {"line": {"color": "@rule", "width": 1.5, "dash": "solid"}}
        mark = vertical(first - 0.5, f"stage {stage}", foot=True)
        marks["shapes"] += [shape | stroke for shape in mark["shapes"]]
        marks["annotations"] += mark["annotations"]
    return marks


def _told_stages(history: pl.DataFrame) -> list[Text]:
    stages = _stages(history)
    if not stages:
        return []
    told = "; ".join(
        f"stage {stage}: update {first}" if first == last else f"stage {stage}: updates {first} to {last}"
        for stage, first, last in stages
    )
    why = " The training changes where a stage begins, so a curve may jump there; validation is the same in all stages."
    return [Text(f"Stages of the curriculum: {told}.{why if len(stages) > 1 else ''}", "note")]


def _figure(title: str, drawn: Plot | None, caption: str, conclusion: str = "") -> list[Figure]:
    return [] if drawn is None else [Figure(title, drawn, caption, conclusion, height=250)]


def _of(history: pl.DataFrame, name: str, y: str, words: tuple[str, str], said: str = "") -> list[Figure]:
    """The curve of one column; its title and caption."""
    title, caption = words
    return _figure(title, _drawn(history, {name: _column(history, name)}, y), caption, said)


def _score(history: pl.DataFrame, assets: int) -> list[Figure]:
    x, score = _column(history, "validation_score")
    kept, said = _kept(history), ""
    if len(x) and kept in x:
        best = score[list(x).index(kept)]
        first, last = show(float(score[0]), "ratio"), show(float(score[-1]), "ratio")
        said = f"Update {kept} of {len(history)} was kept: {show(float(best), 'ratio')} bps a bar"
        said += f", after {first} at the first validation and {last} at the last." if len(x) > 1 else "."
        said += " It never earned anything." if best <= 0 else ""
        said += " It was still rising at the end: more steps may help." if kept == x[-1] and len(x) > 2 else ""
    drawn = _drawn(history, {"net growth": (x, score)}, "bps a bar")
    caption = f"Log growth of {_accounts(assets)} on validation, after costs, always the likeliest action."
    return _figure("Net growth on validation", drawn, caption, said)


def _entropy(history: pl.DataFrame) -> list[Figure]:
    _, entropy = _column(history, "entropy")
    said = ""
    if len(entropy):
        first, last = float(entropy[0]), float(entropy[-1])
        said = f"{show(first, 'score')} nats in the first update, {show(last, 'score')} in the last."
        said += " It has stopped trying." if 0 <= last < DECIDED * first else ""
    caption = "How undecided the policy is. It should fall slowly: what is no longer tried is no longer learned."
    return _of(history, "entropy", "nats", ("Entropy", caption), said)


def _variance(history: pl.DataFrame) -> list[Figure]:
    _, variance = _column(history, "explained_variance")
    said = f"{show(float(variance[-1]), 'percent')} in the last update." if len(variance) else ""
    caption = "Share of the returns' variance that the critic foresaw. Markets leave little to foresee; far below 0 "
    caption += "the critic is worse than a constant."
    return _of(history, "explained_variance", "share", ("Explained variance", caption), said)


def _parts(history: pl.DataFrame, weights: Mapping[str, float]) -> list[Figure]:
    """What each part of a weighted reward pays."""
    paid = {}
    for name in PARTS:
        x, values = _column(history, name)
        if len(x) and np.abs(values).max() > 0:
            paid[name] = (x, weights.get(name, 1.0) * values)
    if not paid:
        return []
    last = sorted(((float(values[-1]), name) for name, (_, values) in paid.items()), key=lambda one: -abs(one[0]))
    told = [f"{name} {show(value, 'score')}" for value, name in last if abs(value) >= LEAST_PAID]
    said = f"In the last update: {', '.join(told)}." if told else "In the last update: nothing."
    still = [name for name in PARTS if name in history.columns and name not in paid]
    said += f" Never paid: {', '.join(still)}." if still else ""
    caption = "Each part of the reward times its weight." if weights else "Each part of the reward before its weight."
    return _figure(
        "Parts of the reward", _drawn(history, paid, "reward a step"), f"{caption} Mean over all steps.", said
    )


def _equity(episodes: pl.DataFrame, assets: int) -> list[Figure]:
    """Every account along validation."""
    if not len(episodes):
        return []
    wide = episodes.pivot(on="symbol", index="close_time", values="equity").sort("close_time")
    x, names = times_of(wide), [name for name in wide.columns if name != "close_time"]
    equity = wide.select(pl.col(names).fill_null(strategy="forward").fill_null(1.0)).to_numpy()
    ends, gained = equity[-1], int((equity[-1] > 1.0).sum())
    worst, best = int(ends.argmin()), int(ends.argmax())
    said = f"The account ended at {show(float(ends[0]) - 1, 'percent')}"
    if len(names) > 1:
        said = f"{gained} of {len(names)} accounts gained. Mean {show(float(ends.mean()) - 1, 'percent')}"
        low, high = show(float(ends[worst]) - 1, "percent"), show(float(ends[best]) - 1, "percent")
        said += f", from {clip(names[worst], 30)} {low} to {clip(names[best], 30)} {high}"
    each = {clip(name, 30): equity[:, place] for place, name in enumerate(names)}
    if len(names) > EACH:
        each = {f"{share}% of accounts are below": np.percentile(equity, share, axis=1) for share in (10, 90)}
    legend = len(names) > EACH
    traces = [
        line(x, values, name=name, color="@gross", width=0.9, legend=legend, limit=CURVE_POINTS)
        for name, values in each.items()
    ]
    if len(names) > 1:
        mean = equity.mean(axis=1)
        traces.append(line(x, mean, name="mean of all accounts", color="@net", width=2, limit=CURVE_POINTS))
    y = {"title": "equity, start 1", "tickformat": ",.3~f"}
    drawn = plot(traces, x={"type": "date", "nticks": 6}, y=y, hovermode="closest", showlegend=True)
    caption = f"The kept agent's validation episodes: {_accounts(assets)}, after costs, always the likeliest action."
    return _figure("Equity of the validation episodes", drawn, caption, f"{said}.")


def _table(history: pl.DataFrame) -> list[Table]:
    """Figures of validation at its first, its kept and its last time."""
    known = history.filter(pl.col("validation_score").is_not_null()) if "validation_score" in history.columns else None
    if known is None or not len(known):
        return []
    kept = _kept(history)
    places = {"first": known.row(0, named=True), "last": known.row(-1, named=True)}
    if kept in known["epoch"].to_list():
        places = {"first": places["first"], "kept": known.filter(pl.col("epoch") == kept).row(0, named=True)} | {
            "last": places["last"]
        }
    rows = [
        (Cell(label), *(Cell(show(row.get(f"validation_{name}"), unit)) for row in places.values()))
        for name, (label, unit) in TOLD.items()
        if f"validation_{name}" in known.columns
    ]
    heads = tuple(f"{word}, update {row['epoch']}" for word, row in places.items())
    caption = "On validation, equal money in every account."
    return [Table(("Validation", *heads), rows, caption=caption, even=True)]


def learning_section(
    history: pl.DataFrame,
    episodes: pl.DataFrame | None = None,
    weights: Mapping[str, float] | None = None,
    *,
    assets: int = 1,
) -> Section:
    """Learning curves of an agent.

    Args:
        history: one row an update, see `rl.ppo.TrainedAgent`, of the member that was kept.
        episodes: its accounts on validation: close_time, symbol, equity.
        weights: of the parts of a weighted reward.
        assets: A, symbols that share an account.
    """
    moved = "How far the policy moved from the one that acted, by Kullback-Leibler divergence."
    clipped = "Share of samples whose ratio left the clip range: what they would have moved further was not counted."
    figures = [
        *_score(history, assets),
        *_equity(pl.DataFrame() if episodes is None else episodes, assets),
        *_of(history, "reward", "a step", ("Reward", "Mean over all accounts and steps of an update, as it explored.")),
        *_parts(history, weights or {}),
        *_entropy(history),
        *_variance(history),
        *_of(history, "kl", "nats", ("KL of an update", moved)),
        *_of(history, "clip_share", "share", ("Clipped share", clipped)),
        *_of(
            history, "policy_loss", "loss", ("Policy loss", "Near 0 as it is made: its gradient counts, not its size.")
        ),
        *_of(history, "value_loss", "loss", ("Value loss", "Mean squared error of the critic, in rewards squared.")),
    ]
    lead = "What the agent learned, and whether it still learned when it ended."
    if not figures:
        return Section("Training", lead, (Text("No update was recorded.", "note"),))
    return Section(
        "Training", lead, [Grid(figures), *_told_stages(history), *_table(history), Text(_took(history), "note")]
    )


def _took(history: pl.DataFrame) -> str:
    seconds, (_, steps) = float(_column(history, "seconds")[1].sum()), _column(history, "steps")
    if not len(steps):
        return f"{len(history)} updates."
    speed = f": {show(float(steps[-1]) / seconds, 'count')} steps a second" if seconds > 0 else ""
    took = f"{len(history)} updates of {show(float(steps[-1]), 'count')} steps in all took {show(seconds, 'seconds')}"
    rest = "The run's time for training also holds its start, every validation and what was kept on disk."
    return f"{took}{speed}, learning alone. {rest} The dotted line is the update that was kept."


def _positions(predictions: pl.DataFrame) -> pl.DataFrame:
    return predictions.with_columns(position=((pl.col("probability") - 0.5) / WHOLE).round(5))


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", MINUS) if round(value, digits) else "0"


def _shares(said: pl.DataFrame) -> Figure:
    counts = said["position"].round(1).value_counts(sort=False).sort("position")
    share = counts["count"].to_numpy() / len(said)
    words = [_signed(value, 1) if value else "flat" for value in counts["position"].to_list()]
    most = words[int(share.argmax())]
    drawn = plot(
        [bars(np.arange(len(words)), share, name="share", color="@net")],
        x={"title": "position", "tickvals": list(range(len(words))), "ticktext": words},
        y={"title": "share of decisions", "tickformat": ".0%"},
    )
    caption = "Positions that it asked for, over all symbols and bars."
    conclusion = f"Most often {most}: {show(float(share.max()), 'percent')} of decisions."
    conclusion += " It never does anything else." if len(words) == 1 else ""
    return Figure("Actions", drawn, caption, conclusion)


def _by_symbol(said: pl.DataFrame) -> Figure:
    """What an account of several symbols asked for of each."""
    position = pl.col("position")
    asked = said.group_by("symbol").agg(
        long=position.clip(0).mean(), short=position.clip(upper_bound=0).mean(), size=position.abs().mean()
    )
    asked, count = asked.sort("size", "symbol", descending=[True, False]), len(asked)
    most, share = asked["symbol"][0], float(asked["size"][0])
    asked, names = asked.head(DRAWN), [clip(name, 20) for name in asked["symbol"].head(DRAWN)]
    sides = (("long", "@net"), ("short", "@gross"))
    traces = [
        bars(np.arange(len(asked)), asked[name].to_numpy(), name=name, color=color) | {"showlegend": True}
        for name, color in sides
    ]
    drawn = plot(
        traces,
        x={"tickvals": list(range(len(asked))), "ticktext": names},
        y={"title": "mean weight", "tickformat": ".0%"},
        barmode="relative",
    )
    some = f" The {DRAWN} of {count} symbols that it asked for most." if count > DRAWN else ""
    caption = f"Mean long and short weight that it asked for of each symbol in its account.{some}"
    return Figure(
        "Weights", drawn, caption, f"Most of {clip(most, 30)}: {show(share, 'percent')} of the account was asked for."
    )


def _exposure(said: pl.DataFrame, assets: int) -> Figure:
    position = assets * pl.col("position")
    by_bar = said.group_by("close_time").agg(long=position.clip(0).mean(), short=position.clip(upper_bound=0).mean())
    by_bar = by_bar.sort("close_time")
    together = -(-len(by_bar) // STRETCHES)
    stretch = by_bar.group_by(pl.int_range(pl.len()) // together, maintain_order=True).agg(
        pl.col("close_time").first(), pl.col("long", "short").mean()
    )
    x = times_of(stretch)
    sides = (("long", "@net"), ("short", "@gross"))
    traces = [area(x, stretch[name].to_numpy(), name=name, color=color) | {"stackgroup": name} for name, color in sides]
    net = assets * float(np.mean(said["position"].to_numpy()))
    lean = "no lean to either side" if abs(net) < 0.05 else f"a lean to the {'long' if net > 0 else 'short'} side"
    drawn = plot(traces, x={"type": "date", "nticks": 6}, y={"title": "mean position", "tickformat": ".1f"})
    who = "Mean long and short position over the symbols"
    who = who if assets == 1 else "Long and short weights that an account asked for together"
    caption = f"{who}, each point over {show(together, 'bars')}."
    return Figure("Exposure", drawn, caption, f"Mean {_signed(net, 2)}: {lean}.")


def actions_section(predictions: pl.DataFrame, *, assets: int = 1) -> list[Section]:
    """What an agent does on the bars that it was judged on.

    Args:
        predictions: one row a decision, its position said as a probability.
        assets: A, symbols that share an account.
    """
    lead = "Which positions the agent asks for, and how it leans through time."
    if not len(predictions):
        return [Section("Actions", lead, (Text("It took no decision here.", "note"),))]
    said = _positions(predictions)
    blocks: Sequence[Block] = [Grid([_shares(said) if assets == 1 else _by_symbol(said), _exposure(said, assets)])]
    return [Section("Actions", lead, blocks)]
