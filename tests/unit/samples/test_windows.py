"""Windows gathered through the view are the slices that a plain loop would take."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.samples.windows import gather, window_view


@given(st.integers(1, 4), st.integers(1, 12), st.integers(1, 5), st.data())
def test_gather_is_slicing(S, T, F, data):
    L = data.draw(st.integers(1, T))
    x = torch.arange(S * T * F, dtype=torch.float32).reshape(S, T, F)
    picks = data.draw(st.lists(st.tuples(st.integers(0, S - 1), st.integers(L - 1, T - 1)), max_size=8))
    index = torch.tensor([s * T + t for s, t in picks], dtype=torch.int64)
    expected = [x[s, t - L + 1 : t + 1] for s, t in picks]
    assert torch.equal(gather(x, index, L), torch.stack(expected) if picks else torch.empty(0, L, F))


def test_hand_worked():
    x = torch.tensor([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]])
    assert gather(x, torch.tensor([1, 5]), 2).tolist() == [[[1.0], [2.0]], [[5.0], [6.0]]]


def test_the_view_holds_no_copy():
    x = torch.from_numpy(np.zeros((3, 100, 7), dtype=np.float32))
    view = window_view(x, 24)
    assert view.shape == (3 * 100 - 23, 24 * 7)
    assert view.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    x[1, 3, 2] = 5.0
    assert int((view == 5).sum()) == 24


def test_a_table_in_pieces_is_refused():
    with pytest.raises(ValueError, match="contiguous"):
        window_view(torch.zeros(2, 5, 3).transpose(0, 1), 2)
