"""One capability per module; one function is one transaction, or the part of it that a consumer or timer runs."""
