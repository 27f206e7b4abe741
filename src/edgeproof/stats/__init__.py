"""Statistics of forecasts and returns in NumPy and SciPy; every function cites its paper."""
