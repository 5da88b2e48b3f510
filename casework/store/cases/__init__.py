"""Cases in SQL: journal, read model, enrollments, lists, sweeping."""
