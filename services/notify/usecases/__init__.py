"""One capability per module; one function is one transaction, or one step of the transaction it is given."""
