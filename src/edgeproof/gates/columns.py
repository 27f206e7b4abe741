"""What others call a training's figures and settings: a table of names, read without regard to case and punctuation."""

import re
from collections.abc import Iterable, Mapping

__all__ = ["FIGURES", "SETTINGS", "found", "plain"]

LOSSES = ("loss", "nll", "cross_entropy", "ce", "bce", "logloss", "log_loss", "mlogloss", "mse", "mae", "rmse")
TRAINING = ("train", "training", "tr", "fit")
VALIDATION = ("val", "validation", "valid", "eval", "dev", "test", "validation_0", "valid_0")


def _of(parts: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """`train_loss`, `loss_train`, `train_loss_epoch` and so on, the first part of all names before the next part."""
    pairs = [(part, name) for part in parts for name in names]
    return tuple(word for part, name in pairs for word in (f"{part}_{name}", f"{name}_{part}", f"{part}_{name}_epoch"))


FIGURES: Mapping[str, tuple[str, ...]] = {
    "train": (
        *_of(TRAINING, LOSSES),
        "epoch_loss",
        "loss_epoch",
        "running_loss",
        "train_loss_step",
        "batch_loss",
        "loss",
    ),
    "validation": (*_of(VALIDATION, LOSSES), "log_loss"),
    "auc": (*_of(VALIDATION, ("auc", "auroc", "roc_auc")), "auc", "auroc", "roc_auc"),
    "norm": (
        "grad_norm",
        "gradient_norm",
        "train_grad_norm",
        "total_grad_norm",
        "grad_norm_total",
        "grad_2_0_norm_total",
    ),
    "rate": ("lr", "learning_rate", "train_lr", "train_learning_rate", "lr_adam", "lr_adamw", "lr_sgd", "optimizer_lr"),
    "seconds": ("seconds", "epoch_seconds", "epoch_time", "time_epoch", "epoch_duration", "time_per_epoch"),
    "step_seconds": ("step_seconds", "step_time", "time_step", "batch_time", "compute_seconds", "compute_time"),
    "data_seconds": (
        *("data_seconds", "data_time", "time_data", "data_loading_time", "loading_seconds", "load_time"),
        *("dataloader_time", "fetch_time", "waiting_seconds"),
    ),
    "waiting": ("waiting", "waiting_share", "data_share"),
}
"""Figures by epoch or step: column of a history, and the names by which it is known, the first that is there wins."""

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "lr": ("lr", "learning_rate", "initial_lr", "base_lr", "max_lr", "eta", "step_size"),
    "clip_norm": ("clip_norm", "max_grad_norm", "gradient_clip_val", "grad_clip", "clip_grad_norm", "clip"),
    "weight_decay": ("weight_decay", "wd", "l2"),
    "dropout": ("dropout", "dropout_rate", "p_dropout", "drop_rate", "hidden_dropout_prob"),
    "batch_size": ("batch_size", "bs", "train_batch_size", "per_device_train_batch_size", "batch"),
    "epochs": ("epochs", "max_epochs", "num_epochs", "n_epochs", "num_train_epochs", "nb_epochs"),
    "parameters": ("parameters", "n_parameters", "num_parameters", "n_params", "num_params", "trainable_parameters"),
    "samples": ("samples", "n_samples", "train_samples", "n_train", "num_train", "train_size", "num_train_samples"),
    "validation_samples": ("validation_samples", "val_samples", "n_val", "num_val", "val_size", "n_validation"),
    "workers": ("workers", "num_workers", "n_workers", "dataloader_num_workers", "loader_workers"),
}
"""Settings: field of `Known`, and the names by which it is known."""


def plain(name: str) -> str:
    """A name as the tables have it: `Train/Loss` is `train_loss`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def found(names: Iterable[str], known: Iterable[str], *, inside: bool = False) -> str | None:
    """The name that is there, as it is written there; the first of the known ones wins.

    Args:
        names: that are there.
        known: of a table above.
        inside: the last part of a dotted name will do too: `optimizer.lr`.
    """
    there = {}
    for name in sorted(names, reverse=True):
        if inside:
            there.setdefault(plain(re.split(r"[./]", name)[-1]), name)
    there |= {plain(name): name for name in sorted(names, reverse=True)}
    return next((there[word] for word in known if word in there), None)
