"""Alembic's entry: one SQLite file, one transaction."""

from alembic import context

from runtime.store.engine import open_engine
from runtime.store.schema import metadata

engine = open_engine(context.config.attributes["path"])
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
engine.dispose()
