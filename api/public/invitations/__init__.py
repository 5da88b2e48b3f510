"""Answers to an invitation: the prefilled application, or a decline."""
