"""The versioned API of drives: seminars, lists, runs, targets."""
