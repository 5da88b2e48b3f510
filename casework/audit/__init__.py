"""What supervisors rely on: the journal held against itself and against the read model."""
