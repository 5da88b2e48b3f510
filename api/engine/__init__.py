"""Calls to Temporal: the only rooms of the API that speak to it."""
