"""Run by `test_gpu.py` in its own process: a few accounts on Numba's CUDA simulator against the interpreted engine.

Prints how many cases were equal to the last bit.
"""

import sys

import numpy as np

from edgeproof.simulator.engines import simulate_many
from tests.unit.simulator.cases import MONEY, full_case


def main(count: int) -> None:
    equal = 0
    for seed in range(count):
        (prices, present, weights, decided), costs, options, outside = full_case(np.random.default_rng(seed))
        many = np.stack([weights, -weights, 0.5 * weights])
        device, plain = (
            simulate_many(prices, present, many, decided, costs, options=options, outside=outside, engine=engine)
            for engine in ("cuda", "python")
        )
        equal += all(
            one.trades.tobytes() == other.trades.tobytes()
            and all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in MONEY)
            for one, other in zip(device, plain, strict=True)
        )
    sys.stdout.write(f"{equal}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
