"""What surrounds every request: errors, preconditions, paging, sizes, pace, metrics and logs."""
