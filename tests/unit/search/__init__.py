"""Searches, on objectives that cost nothing."""
