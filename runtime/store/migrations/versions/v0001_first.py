"""The first tables."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# As they were then: `runtime.store.schema` goes on from here, these do not.
TABLES = (
    """
    CREATE TABLE deliveries (
        id INTEGER NOT NULL,
        guid TEXT NOT NULL,
        body_hash BLOB NOT NULL,
        event TEXT NOT NULL,
        body BLOB,
        received_at FLOAT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER DEFAULT '0' NOT NULL,
        not_before FLOAT DEFAULT '0' NOT NULL,
        action TEXT,
        session_key TEXT,
        skip_reason TEXT,
        error TEXT,
        finished_at FLOAT,
        PRIMARY KEY (id),
        UNIQUE (guid)
    )
    """,
    "CREATE INDEX deliveries_body_hash ON deliveries (body_hash)",
    "CREATE INDEX deliveries_open ON deliveries (id) WHERE state IN ('queued', 'running')",
    """
    CREATE TABLE outbox (
        id INTEGER NOT NULL,
        "key" TEXT NOT NULL,
        kind TEXT NOT NULL,
        repo TEXT NOT NULL,
        session_id TEXT,
        payload JSON NOT NULL,
        revision INTEGER DEFAULT '1' NOT NULL,
        sent_revision INTEGER DEFAULT '0' NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER DEFAULT '0' NOT NULL,
        not_before FLOAT NOT NULL,
        remote_id TEXT,
        result JSON,
        error TEXT,
        created_at FLOAT NOT NULL,
        changed_at FLOAT NOT NULL,
        PRIMARY KEY (id),
        UNIQUE ("key")
    )
    """,
    "CREATE INDEX outbox_open ON outbox (id) WHERE state IN ('queued', 'sending')",
    "CREATE INDEX outbox_remote ON outbox (repo, remote_id)",
    """
    CREATE TABLE records (
        id INTEGER NOT NULL,
        at FLOAT NOT NULL,
        kind TEXT NOT NULL,
        session_id TEXT,
        delivery_id INTEGER,
        summary TEXT NOT NULL,
        data JSON NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX records_of_session ON records (session_id, id)",
    """
    CREATE TABLE sessions (
        id TEXT NOT NULL,
        project TEXT NOT NULL,
        number INTEGER NOT NULL,
        repo TEXT NOT NULL,
        session_key TEXT NOT NULL,
        issue INTEGER,
        title TEXT NOT NULL,
        task TEXT NOT NULL,
        agent TEXT NOT NULL,
        branch TEXT NOT NULL,
        base TEXT NOT NULL,
        asked_by TEXT NOT NULL,
        created_at FLOAT NOT NULL,
        live BOOLEAN NOT NULL,
        ended_at FLOAT,
        announced_status TEXT NOT NULL,
        announced_reason TEXT NOT NULL,
        announced_at FLOAT NOT NULL,
        recheck_at FLOAT,
        push_offset INTEGER DEFAULT '0' NOT NULL,
        PRIMARY KEY (id),
        UNIQUE (project, number)
    )
    """,
    "CREATE INDEX live_sessions ON sessions (live)",
    "CREATE UNIQUE INDEX one_live_session_per_issue ON sessions (project, issue) WHERE live",
    """
    CREATE TABLE addresses (
        address TEXT NOT NULL,
        session_id TEXT NOT NULL,
        PRIMARY KEY (address, session_id),
        FOREIGN KEY(session_id) REFERENCES sessions (id)
    )
    """,
    """
    CREATE TABLE facts (
        session_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT DEFAULT '' NOT NULL,
        value JSON NOT NULL,
        source TEXT NOT NULL,
        at FLOAT NOT NULL,
        PRIMARY KEY (session_id, kind, subject),
        FOREIGN KEY(session_id) REFERENCES sessions (id)
    )
    """,
    """
    CREATE TABLE handler_runs (
        delivery_id INTEGER NOT NULL,
        handler TEXT NOT NULL,
        done_at FLOAT NOT NULL,
        skip_reason TEXT,
        PRIMARY KEY (delivery_id, handler),
        FOREIGN KEY(delivery_id) REFERENCES deliveries (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE messages (
        id INTEGER NOT NULL,
        session_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        source_key TEXT NOT NULL,
        author TEXT NOT NULL,
        parts JSON NOT NULL,
        state TEXT NOT NULL,
        evidence TEXT DEFAULT '' NOT NULL,
        text TEXT,
        created_at FLOAT NOT NULL,
        not_before FLOAT NOT NULL,
        changed_at FLOAT NOT NULL,
        attempts INTEGER DEFAULT '0' NOT NULL,
        PRIMARY KEY (id),
        FOREIGN KEY(session_id) REFERENCES sessions (id),
        UNIQUE (source_key)
    )
    """,
    "CREATE INDEX messages_of_session ON messages (session_id, id)",
    """
    CREATE TABLE steps (
        session_id TEXT NOT NULL,
        name TEXT NOT NULL,
        data JSON NOT NULL,
        done_at FLOAT NOT NULL,
        PRIMARY KEY (session_id, name),
        FOREIGN KEY(session_id) REFERENCES sessions (id)
    )
    """,
)


def upgrade() -> None:
    """Create every table."""
    for statement in TABLES:
        op.execute(statement)
