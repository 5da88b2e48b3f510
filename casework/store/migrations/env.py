"""Run the migrations on the connection that `casework.store.migrations` was given."""

from alembic import context

# All tables share their metadata, which knows those whose module has been loaded.
from casework.store.drives.tables import Drive

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Drive.metadata
)
with context.begin_transaction():
    context.run_migrations()
