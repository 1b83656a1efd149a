"""The services of Moat: scoring, crisis, notify; they never import one another."""
