"""Tables and SQL: case files in and out, set-based."""
