"""HTTP: routers and the shapes that they speak."""
