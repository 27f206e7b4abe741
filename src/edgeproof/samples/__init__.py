"""Samples: which (symbol, bar) pairs can be learned from, how they are split, and how their windows are gathered."""
