"""What an agent learned, update by update, and what it does: its actions, its exposure, the parts of its reward."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from edgeproof.report.chart import Plot, area, bars, line, plot, vertical
from edgeproof.report.number import show, time_ms
from edgeproof.report.part import Block, Figure, Grid, Section, Text

__all__ = ["actions_section", "is_agent", "learning_section"]

CURVE_POINTS = 400
WHOLE = 0.25  # of probability, for a whole position: see `backtest.policies.follow`
PARTS = ("direction", "magnitude", "pnl", "exits", "exploration", "drawdown")
COLORS = ("@net", "@gross", "@cost-1", "@cost-2", "@cost-3", "@cost-4")


def is_agent(history: pl.DataFrame) -> bool:
    """Whether this is the history of an agent's training."""
    return {"policy_loss", "explained_variance"} <= set(history.columns)


def _column(history: pl.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Updates at which a figure is there, and the figure."""
    if name not in history.columns:
        return np.empty(0), np.empty(0)
    known = history.select("epoch", pl.col(name).cast(pl.Float64, strict=False)).drop_nulls()
    return known["epoch"].to_numpy(), known[name].to_numpy()


def _kept(history: pl.DataFrame) -> int | None:
    best = history.filter(pl.col("best"))["epoch"].to_list() if "best" in history.columns else []
    return best[-1] if best else None


def _curve(history: pl.DataFrame, lines: Mapping[str, str], y: str, digits: str = ".3g") -> Plot | None:
    traces = []
    for (name, word), color in zip(lines.items(), COLORS, strict=False):
        x, values = _column(history, name)
        if len(x):
            drawn = line(x, values, name=word, color=color, limit=CURVE_POINTS)
            traces.append(drawn | ({"mode": "lines+markers", "marker": {"size": 4}} if len(x) < 60 else {}))
    if not traces:
        return None
    kept = _kept(history)
    marks = {} if kept is None else vertical(float(kept), "", "@muted")
    return plot(traces, x={"title": "update"}, y={"title": y, "tickformat": digits}, **marks)


def _figure(title: str, drawn: Plot | None, caption: str, conclusion: str = "") -> list[Figure]:
    return [] if drawn is None else [Figure(title, drawn, caption, conclusion)]


def _last(history: pl.DataFrame, name: str) -> float | None:
    _, values = _column(history, name)
    return float(values[-1]) if len(values) else None


def _score(history: pl.DataFrame) -> list[Figure]:
    x, score = _column(history, "validation_score")
    kept, said = _kept(history), ""
    if len(x) and kept in x:
        best = score[list(x).index(kept)]
        said = (
            f"Update {kept} of {len(history)} was kept: {best:.3f} bps a bar, after {score[0]:.3f} at the first "
            f"validation and {score[-1]:.3f} at the last."
        )
        said += " It never earned anything." if best <= 0 else ""
    drawn = _curve(history, {"validation_score": "net growth"}, "bps a bar")
    caption = "Log growth of one account a symbol on validation, after costs, always the likeliest action."
    return _figure("Net growth on validation", drawn, caption, said)


def learning_section(history: pl.DataFrame) -> Section:
    """Learning curves of an agent.

    Args:
        history: one row an update, see `rl.ppo.TrainedAgent`, of the member that was kept.
    """
    entropy, variance = _last(history, "entropy"), _last(history, "explained_variance")
    figures = [
        *_score(history),
        *_figure(
            "Reward",
            _curve(history, {"reward": "reward a step"}, "reward"),
            "Mean over all accounts and steps of an update, exploring as it goes.",
        ),
        *_figure(
            "Entropy",
            _curve(history, {"entropy": "entropy"}, "nats"),
            "How undecided the policy is. It should fall slowly; at once near zero it has stopped trying.",
            "" if entropy is None else f"{entropy:.3f} nats at the end.",
        ),
        *_figure(
            "How far an update moves",
            _curve(history, {"kl": "KL", "clip_share": "clipped share"}, "per update"),
            "Kullback-Leibler divergence from the policy that acted, and the share of samples that were clipped.",
        ),
        *_figure(
            "Explained variance",
            _curve(history, {"explained_variance": "explained variance"}, "share"),
            "Share of the returns' variance that the critic foresaw. Markets leave little to foresee.",
            "" if variance is None else f"{variance:.3f} at the end.",
        ),
        *_figure("Losses", _curve(history, {"policy_loss": "policy", "value_loss": "value"}, "loss"), "Of an update."),
        *_figure(
            "Parts of the reward",
            _curve(history, {name: name for name in PARTS}, "mean"),
            "Each part before its weight, mean over all accounts and steps.",
        ),
    ]
    lead = "What the agent learned, and whether it still learned when it ended."
    if not figures:
        return Section("Training", lead, (Text("No update was recorded.", "note"),))
    seconds, steps = _column(history, "seconds")[1].sum(), _last(history, "steps")
    took = f"{len(history)} updates of {show(steps, 'count')} steps in all took {show(float(seconds), 'seconds')}."
    return Section("Training", lead, [Grid(figures), Text(took, "note")])


def _positions(predictions: pl.DataFrame) -> pl.DataFrame:
    return predictions.with_columns(position=((pl.col("probability") - 0.5) / WHOLE).round(3))


def _shares(said: pl.DataFrame) -> Figure:
    counts = said["position"].round(1).value_counts(sort=False).sort("position")
    share = counts["count"].to_numpy() / len(said)
    words = [f"{value:+.1f}" if value else "flat" for value in counts["position"].to_list()]
    most = words[int(share.argmax())]
    drawn = plot(
        [bars(np.arange(len(words)), share, name="share", color="@net")],
        x={"title": "position", "tickvals": list(range(len(words))), "ticktext": words},
        y={"title": "share of decisions", "tickformat": ".0%"},
    )
    caption = "Positions that it asked for, over all symbols and bars."
    return Figure("Actions", drawn, caption, f"Most often {most}: {show(float(share.max()), 'percent')} of decisions.")


def _exposure(said: pl.DataFrame) -> Figure:
    by_bar = said.group_by("close_time").agg(
        long=pl.col("position").clip(0).mean(), short=pl.col("position").clip(upper_bound=0).mean()
    )
    by_bar = by_bar.sort("close_time")
    x = np.array([time_ms(moment) for moment in by_bar["close_time"].to_list()])
    traces = [
        area(x, by_bar["long"].to_numpy(), name="long", color="@net", limit=CURVE_POINTS),
        area(x, by_bar["short"].to_numpy(), name="short", color="@gross", limit=CURVE_POINTS),
    ]
    net = float(said["position"].mean() or 0.0)  # pyright: ignore[reportArgumentType] - a column of floats
    lean = "no lean to either side" if abs(net) < 0.05 else f"a lean to the {'long' if net > 0 else 'short'} side"
    drawn = plot(traces, x={"type": "date"}, y={"title": "mean position", "tickformat": ".1f"})
    return Figure("Exposure", drawn, "Mean long and short position over the symbols.", f"Mean {net:+.2f}: {lean}.")


def actions_section(predictions: pl.DataFrame) -> list[Section]:
    """What an agent does on the bars that it was judged on.

    Args:
        predictions: one row a decision, its position said as a probability.
    """
    lead = "Which positions the agent asks for, and how it leans through time."
    if not len(predictions):
        return [Section("Actions", lead, (Text("It took no decision here.", "note"),))]
    said = _positions(predictions)
    blocks: Sequence[Block] = [Grid([_shares(said), _exposure(said)])]
    return [Section("Actions", lead, blocks)]
