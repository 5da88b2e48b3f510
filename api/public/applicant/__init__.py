"""Where a case is, for whoever has its number."""
