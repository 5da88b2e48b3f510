"""What is kept in SQL and in files: casebook, outbox, register, people, evidence."""
