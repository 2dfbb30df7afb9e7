"""Measurements beside their baselines; `make benchmarks` runs them all. They are no tests."""
