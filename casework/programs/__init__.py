"""Certification programs as published data: criteria, periods, holidays, provinces and basins."""
