"""The hashes of bodies are looked up in memory: their index cost every delivery a page in a random place."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the index."""
    op.execute("DROP INDEX deliveries_body_hash")
