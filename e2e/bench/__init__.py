"""Benchmarks: each is a command that starts what it needs and prints a table."""
