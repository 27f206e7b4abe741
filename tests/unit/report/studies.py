"""A finished search made by hand for the report's tests: plain data in the shape of study.json."""

from typing import Any

from edgeproof.core.rng import Rng

NAMES = {
    "train.lr": {"low": 1e-4, "high": 1e-2, "log": True},
    "model.dropout": {"low": 0.2, "high": 0.5},
    "model.layers": {"choices": ["128-64", "256-128", "256-128-64"]},
    "train.batch_size": {"choices": [256, 512, 1024]},
    "model.batch_norm": {"choices": [True, False]},
    "train.weight_decay": {"low": 1e-6, "high": 1e-3, "log": True},
}


def _params(draw: Any) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, space in NAMES.items():
        if "choices" in space:
            body[name] = space["choices"][int(draw.integers(len(space["choices"])))]
        elif space.get("log"):
            body[name] = float(space["low"] * (space["high"] / space["low"]) ** draw.random())
        else:
            body[name] = float(space["low"] + (space["high"] - space["low"]) * draw.random())
    return body


def _trial(number: int, draw: Any, epochs: int) -> dict[str, Any]:
    params, state = _params(draw), "failed" if number == 7 else "pruned" if number % 4 == 3 else "complete"
    end = 0.6905 + 0.004 * abs(params["model.dropout"] - 0.3) + 0.0005 * float(draw.standard_normal())
    ran = epochs if state == "complete" else epochs // 3
    curve = {str(epoch): end + 0.006 / epoch for epoch in range(1, ran + 1)}
    body = {"number": number, "state": state, "params": params, "seconds": 3.0 * ran, "trial": f"t{number:04d}"}
    if state == "failed":
        return body | {"value": None, "intermediate": {}, "why": "loss is not finite in epoch 1"}
    scores = {"auc": 0.52 + float(draw.random()) / 50, "sharpe": float(draw.standard_normal())}
    known = {"value": min(curve.values()), "figures": scores} if state == "complete" else {"value": None}
    return body | {"intermediate": curve} | known


def study(trials: int = 30, *, epochs: int = 12, seed: int = 1) -> dict[str, Any]:
    draw = Rng(seed).child("study").numpy()
    rows = [_trial(number, draw, epochs) for number in range(trials)]
    first = min((row for row in rows if row["state"] == "complete"), key=lambda row: row["value"])
    best = first["value"]
    return {
        "name": "mlp on a made market",
        "objective": "log_loss",
        "direction": "minimize",
        "sampler": "tpe",
        "pruner": "median",
        "seed": 0,
        "space": NAMES,
        "trials": rows,
        "importance": {name: 0.4 / (place + 1) for place, name in enumerate(NAMES)},
        "deflated": {
            "trials": trials,
            "effective": 0.4 * trials,
            "sharpe": first["figures"]["sharpe"],
            "expected_maximum_sharpe": 1.84,
            "by_luck": best + 0.0004,
            "dsr": 0.31,
            "dsr_sidak": 0.22,
            "pbo": 0.44,
        },
        "seeds": {"values": [best + 0.0003 * float(draw.standard_normal()) for _ in range(5)]},
        "seconds": 812.0,
        "config": "model: mlp\ntrain:\n  epochs: 12\n",
    }
