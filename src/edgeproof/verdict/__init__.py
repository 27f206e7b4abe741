"""The answer: `edge`, `no_edge` or `inconclusive`, with every figure that it stands on."""
