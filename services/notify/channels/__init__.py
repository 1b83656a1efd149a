"""How messages leave: one module per provider behind one small port."""
