"""What is done for a drive without HTTP and without a Temporal client, and its client by API."""
