"""Documents as people write them, read and checked: tier models."""
