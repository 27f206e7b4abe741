"""Memory that will be needed soon is asked for ahead of its use, without waiting for it."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, overload

__all__ = ["ask_for"]


def ask_for(values: np.ndarray, place: tuple[int, ...]) -> None:
    """Ask for the line of memory at `place`; nothing where interpreted."""


@intrinsic
def _prefetch(_context: Any, values: Any, place: Any) -> Any:
    """LLVM's prefetch for reading, into all levels of cache."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind, array = signature.args[0], context.make_array(signature.args[0])(context, builder, given[0])
        indices = cgutils.unpack_tuple(builder, given[1])
        pointer = cgutils.get_item_pointer(context, builder, kind, array, indices, wraparound=False)
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        asked = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, asked, "llvm.prefetch.p0")
        read, keep, data = (ir.Constant(word, number) for number in (0, 3, 1))
        builder.call(function, [builder.bitcast(pointer, byte), read, keep, data])
        return context.get_dummy_value()

    return types.void(values, place), emit


@overload(ask_for, inline="always")
def _ask_for(values: Any, place: Any) -> Any:
    def ask(values: Any, place: Any) -> None:
        _prefetch(values, place)  # pyright: ignore[reportCallIssue] - the context is Numba's to give

    return ask
