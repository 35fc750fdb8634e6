"""Alembic's scripts for the catalog's database; `adcascade.catalog.database.migrate` runs them."""
