"""Every error is in the tree that its module draws, and ends a command with its exit status."""

import inspect

from edgeproof.core import errors


def test_the_drawn_tree_is_the_real_one():
    drawn = errors.__doc__ or ""
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert inspect.isclass(kind)
        assert issubclass(kind, errors.EdgeproofError)
        assert name in drawn


def test_exit_statuses():
    assert errors.DataError("x").exit_status == 2
    assert errors.Interrupted("x").exit_status == 3
