"""The directory of staff."""
