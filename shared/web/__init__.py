"""The HTTP side that all services share: routes, problems, pages, idempotency, jobs, health, documentation."""
