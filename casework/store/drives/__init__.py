"""Drives in SQL: tables, states, rows, runs, sites, members, targets."""
