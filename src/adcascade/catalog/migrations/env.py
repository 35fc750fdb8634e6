"""Run by Alembic: migrate over the connection that the caller holds open in a transaction."""

from alembic import context

from adcascade.catalog.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
