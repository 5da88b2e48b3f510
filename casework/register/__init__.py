"""What the public register says: entries as a function of the journal, and records as their sum."""
