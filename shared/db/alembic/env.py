"""Alembic's entry: `shared.db.migrations` hands over the connection, inside the transaction that holds the lock."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transactional_ddl=True)
context.run_migrations()
