"""What is done for a case without HTTP and without a Temporal client."""
