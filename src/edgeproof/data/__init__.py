"""Bars, markets on disk, their quality, and the panel that everything else is built from."""
