"""The substance of Casework: rules, records, notices and programs, importable on its own."""
