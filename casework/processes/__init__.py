"""Processes of the system: servers of its own, the connection to Temporal, the exit."""
