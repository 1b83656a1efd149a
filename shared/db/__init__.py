"""The database: engine, migrations, the unit of work, and the embedded server."""
