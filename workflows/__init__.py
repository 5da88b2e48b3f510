"""Temporal workflows: the code that is replayed, and nothing else."""
