"""HTTP: the versioned API, the console and the public pages."""
