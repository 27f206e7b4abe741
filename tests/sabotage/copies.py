"""Faults of augmented copies that let the held-out bars in, or part a sample from its label."""

from tests.sabotage.fault import Fault

__all__ = ["COPIES"]

UNIT = "tests/unit/samples"

COPIES = (
    Fault(
        "copies are made of every bar",
        "samples/augment/draft.py",
        "panel.present & (run >= 0)",
        "panel.present",
        (f"{UNIT}/test_augment_copies.py::test_held_out_bars_move_no_byte_that_training_reads",),
        "a copy's features read validation and test",
    ),
    Fault(
        "a copy's window steps over what is held out",
        "samples/augment/copies.py",
        "& whole & (read >= begin)",
        "& whole",
        (f"{UNIT}/test_augment_copies.py::test_no_window_of_a_copy_reads_a_held_out_bar",),
        "where few bars are held out, features go on behind them and read across a purge boundary",
    ),
    Fault(
        "a time shift goes into the future",
        "samples/augment/shift.py",
        "draft.ends - back",
        "draft.ends + back",
        (f"{UNIT}/test_augment_copies.py::test_a_shifted_window_ends_up_to_k_bars_sooner_and_within_its_run",),
        "the model sees bars that were not there when it decides, and resolve its label",
    ),
    Fault(
        "blocks are drawn from other runs",
        "samples/augment/mixing.py",
        "found = starts[other & (time_of_day[starts] == time_of_day[target])]",
        "found = np.flatnonzero((state >= 0) & (time_of_day == time_of_day[target]))",
        ("tests/conform/test_augmentations.py", f"{UNIT}/test_augment_mixing.py"),
        "a block crosses the bars that a fold holds out",
    ),
    Fault(
        "bars move and labels stay",
        "samples/augment/mixing.py",
        "place[source[at]] = at",
        "place[at] = at",
        (f"{UNIT}/test_augment_mixing.py",),
        "windows are learned beside the labels of other moments",
    ),
    Fault(
        "noise goes on where the span ends",
        "samples/augment/draft.py",
        "generator.bit_generator.advance(first // PER_COUNT)",
        "generator.bit_generator.advance(count // PER_COUNT)",
        (f"{UNIT}/test_augment_bars.py",),
        "a bar is forecast otherwise once later bars are there, and what was chosen on validation is not what is sold",
    ),
)
