"""Benchmarks: `make bench` prints figures as JSON. No test asserts a time."""
