"""One capability per module; one function, one transaction."""
