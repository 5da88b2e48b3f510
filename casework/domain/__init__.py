"""The rules of certification, pure: standard library and Pydantic only, no clock, no input, no output."""
