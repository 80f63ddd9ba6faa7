"""Roles and parents of sessions, expiring messages, and an audit trail that can be searched."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE sessions ADD COLUMN role TEXT DEFAULT 'worker' NOT NULL",
    "ALTER TABLE sessions ADD COLUMN parent TEXT",
    "ALTER TABLE sessions ADD COLUMN pull INTEGER",
    "ALTER TABLE sessions ADD COLUMN model TEXT",
    "ALTER TABLE sessions ADD COLUMN queue_position INTEGER DEFAULT 0 NOT NULL",
    "ALTER TABLE messages ADD COLUMN expires_at FLOAT",
    "ALTER TABLE records ADD COLUMN level TEXT DEFAULT 'info' NOT NULL",
    "ALTER TABLE records ADD COLUMN source TEXT DEFAULT '' NOT NULL",
    "CREATE INDEX records_of_kind ON records (kind, id)",
    "CREATE INDEX records_of_delivery ON records (delivery_id) WHERE delivery_id IS NOT NULL",
    """CREATE VIRTUAL TABLE records_search USING fts5 (
        summary, data, content='records', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
    )""",
    """CREATE TRIGGER records_added AFTER INSERT ON records BEGIN
        INSERT INTO records_search (rowid, summary, data) VALUES (new.id, new.summary, new.data);
    END""",
    """CREATE TRIGGER records_dropped AFTER DELETE ON records BEGIN
        INSERT INTO records_search (records_search, rowid, summary, data)
        VALUES ('delete', old.id, old.summary, old.data);
    END""",
    """CREATE TRIGGER records_changed AFTER UPDATE ON records BEGIN
        INSERT INTO records_search (records_search, rowid, summary, data)
        VALUES ('delete', old.id, old.summary, old.data);
        INSERT INTO records_search (rowid, summary, data) VALUES (new.id, new.summary, new.data);
    END""",
    "INSERT INTO records_search (records_search) VALUES ('rebuild')",
    "CREATE TABLE notes (key TEXT NOT NULL, value JSON NOT NULL, PRIMARY KEY (key))",
)


def upgrade() -> None:
    """Add what was not there before."""
    for statement in STATEMENTS:
        op.execute(statement)
