"""Messages between services: the port, its two adapters, the outbox and what consumes."""
