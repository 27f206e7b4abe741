"""Figures, no judgement."""
