"""The versioned API of cases: applications, acts, evidence, representations, reading."""
