from edgeproof.core.differing import first_difference

THERE = {"seed": 0, "train": {"lr": 0.1, "epochs": 3}, "tracking": {"uri": "http://jane:hunter2@host"}}


def test_the_first_key_that_differs_is_told_with_both_values():
    assert first_difference(THERE, THERE) is None
    other = {**THERE, "train": {"lr": 0.2, "epochs": 4}}
    assert first_difference(THERE, other) == "train.lr is 0.1 there, 0.2 here"
    assert first_difference({"a": None}, {"a": 1, "b": 2}) == "a is null there, 1 here"
    assert first_difference({}, {"b": {"name": "mlp", "dropout": 1}}) == "b is not set there, mlp here"


def test_a_password_is_not_told():
    said = first_difference(THERE, {**THERE, "tracking": {"uri": "x"}})
    assert said is not None
    assert "hunter2" not in said
