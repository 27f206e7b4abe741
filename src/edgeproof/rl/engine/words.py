"""Words that threads share: each i64, read and written whole, in one order that all threads agree on.

For compiled code alone. Each word is the first of a row i64[k, 8] of its own, so no two lie in one line of memory.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

__all__ = ["add", "load", "open_words", "relax", "swap", "take"]

WORD = ir.IntType(64)
ORDER = "seq_cst"


def open_words(count: int) -> np.ndarray:
    """This many words, all zero."""
    return np.zeros((count, 8), np.int64)


def _pointer(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    """Address of word `given[1]` of `given[0]`."""
    kind, array = signature.args[0], context.make_array(signature.args[0])(context, builder, given[0])
    first = ir.Constant(WORD, 0)
    return cgutils.get_item_pointer(context, builder, kind, array, [given[1], first], wraparound=False)


def _load(_context: Any, words: Any, k: Any) -> Any:
    """The word."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load_atomic(_pointer(context, builder, signature, given), ORDER, 8)

    return types.int64(words, k), emit


def _changed(operation: str) -> Any:
    """A change of a word by a value; it answers what the word was."""

    def typed(_context: Any, words: Any, k: Any, value: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            pointer = _pointer(context, builder, signature, given)
            return builder.atomic_rmw(operation, pointer, given[2], ORDER)

        return types.int64(words, k, types.int64), emit

    return typed


def _take(_context: Any, words: Any, k: Any, before: Any, after: Any) -> Any:
    """Whether the word was `before`; it is `after` then."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        pointer = _pointer(context, builder, signature, given)
        return builder.extract_value(builder.cmpxchg(pointer, given[2], given[3], ORDER), 1)

    return types.boolean(words, k, types.int64, types.int64), emit


def _relax(_context: Any) -> Any:
    """Tell the processor that this thread waits: other threads of its core go first."""

    def emit(context: Any, builder: Any, _signature: Any, _given: Any) -> Any:
        names = {"x86": "llvm.x86.sse2.pause"}
        name = next((names[kind] for kind in names if builder.module.triple.startswith(kind)), None)
        if name is not None:
            function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), []), name)
            builder.call(function, [])
        return context.get_dummy_value()

    return types.void(), emit


# the context is Numba's to give
load: Any = intrinsic(_load)
add: Any = intrinsic(_changed("add"))
swap: Any = intrinsic(_changed("xchg"))
take: Any = intrinsic(_take)
relax: Any = intrinsic(_relax)
