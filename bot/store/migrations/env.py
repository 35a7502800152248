"""Alembic's entry: runs the migrations on the database that `stored_turns.migrate` names."""

from alembic import context

from bot.store import engine as store_engine
from bot.store.tables import Base

engine = store_engine.connect_database(context.config.attributes["url"])
with engine.connect() as connection:
    # altering a table there drops and makes it anew, and rows that refer to it would go
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        # gateways that start at once would each run them; the end of the transaction opens it
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7261)")
        context.run_migrations()
engine.dispose()
