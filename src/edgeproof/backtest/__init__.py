"""From a forecast to positions and money: policies, their thresholds, and benchmarks under the same costs."""
