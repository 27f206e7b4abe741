"""What a compiler cannot know: which memory will be needed soon, and what always holds."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, overload

__all__ = ["ask_for", "granted"]


def ask_for(values: np.ndarray, place: tuple[int, ...]) -> None:
    """Ask for the line of memory at `place`; nothing where interpreted."""


def granted(_fact: bool) -> None:
    """Nothing; compiled, the fact is taken for true, and what it rules out is left out. It must be true."""


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


@intrinsic
def _assume(_context: Any, fact: Any) -> Any:
    """LLVM's assume."""

    def emit(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        bit = ir.IntType(1)
        assumed = ir.FunctionType(ir.VoidType(), [bit])
        function = cgutils.get_or_insert_function(builder.module, assumed, "llvm.assume")
        builder.call(function, [given[0]])
        return _context.get_dummy_value()

    return (types.void(fact), emit) if fact == types.boolean else None


@overload(granted, inline="always")
def _granted(_fact: Any) -> Any:
    def grant(_fact: Any) -> None:
        _assume(_fact)  # pyright: ignore[reportCallIssue] - the context is Numba's to give

    return grant
