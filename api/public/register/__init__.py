"""The public register: list, records and data files, served from memory."""
