"""Temporal activities: input and output, one class per collaborator."""
