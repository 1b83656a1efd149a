"""Who asks, and what he may do: deny by default, scopes decide. Routes use `guard`, commands `keys`."""
