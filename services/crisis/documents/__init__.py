"""Documents as people write them, turned into the values that the domain works with."""
