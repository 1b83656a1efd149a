"""Work that takes longer than a request: asked for in one transaction, done in many, resumed wherever it stopped."""
