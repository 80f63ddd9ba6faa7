"""The tables, as SQLAlchemy Core sees them; `migrations/` creates them.

Times are seconds since the epoch, UTC. JSON columns hold what a dataclass of `runtime.facts` says.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("guid", sa.Text, nullable=False, unique=True),
    sa.Column("body_hash", sa.LargeBinary, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary),  # emptied by retention, the claim stays
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # queued running done ignored failed dead
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
    sa.Column("action", sa.Text),
    sa.Column("session_key", sa.Text),
    sa.Column("skip_reason", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("finished_at", sa.Float),
    sa.Index("deliveries_open", "id", sqlite_where=sa.text("state IN ('queued', 'running')")),
)

handler_runs = sa.Table(
    "handler_runs",
    metadata,
    sa.Column("delivery_id", sa.Integer, sa.ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("handler", sa.Text, primary_key=True),
    sa.Column("done_at", sa.Float, nullable=False),
    sa.Column("skip_reason", sa.Text),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("repo", sa.Text, nullable=False),
    sa.Column("session_key", sa.Text, nullable=False),  # deliveries of one key run in order
    sa.Column("issue", sa.Integer),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("task", sa.Text, nullable=False),  # the text as it was when it was labelled
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("branch", sa.Text, nullable=False),
    sa.Column("base", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Column("announced_status", sa.Text, nullable=False),
    sa.Column("announced_reason", sa.Text, nullable=False),
    sa.Column("announced_at", sa.Float, nullable=False),
    sa.Column("recheck_at", sa.Float),
    sa.Column("push_offset", sa.Integer, nullable=False, server_default="0"),
    sa.Column("role", sa.Text, nullable=False, server_default="worker"),  # worker orchestrator
    sa.Column("parent", sa.Text),  # the session that started this one
    sa.Column("pull", sa.Integer),  # the pull request that it was started to take over
    sa.Column("model", sa.Text),  # the one that was asked for
    sa.Column("queue_position", sa.Integer, nullable=False, server_default="0"),  # 0: nothing is waited for
    sa.UniqueConstraint("project", "number"),
    sa.Index("one_live_session_per_issue", "project", "issue", unique=True, sqlite_where=sa.text("live")),
    sa.Index("live_sessions", "live"),
)

addresses = sa.Table(
    "addresses",
    metadata,
    sa.Column("address", sa.Text, primary_key=True),  # issue:o/r#1  pr:o/r#2  sha:o/r@…  branch:o/r:ao/…
    sa.Column("session_id", sa.Text, sa.ForeignKey("sessions.id"), primary_key=True),
)

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("session_id", sa.Text, sa.ForeignKey("sessions.id"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True, server_default=""),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

steps = sa.Table(
    "steps",
    metadata,
    sa.Column("session_id", sa.Text, sa.ForeignKey("sessions.id"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("done_at", sa.Float, nullable=False),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("session_id", sa.Text, sa.ForeignKey("sessions.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # task comment review ci person session
    sa.Column("source_key", sa.Text, nullable=False, unique=True),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("parts", sa.JSON, nullable=False),  # what the text is made of, by part key
    sa.Column("state", sa.Text, nullable=False),  # queued pasted accepted answered failed
    sa.Column("evidence", sa.Text, nullable=False, server_default=""),
    sa.Column("text", sa.Text),  # exactly what was typed, set before the paste
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("not_before", sa.Float, nullable=False),
    sa.Column("changed_at", sa.Float, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("expires_at", sa.Float),
    sa.Index("messages_of_session", "session_id", "id"),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),  # comment status_comment reply reaction label unlabel pull_request
    sa.Column("repo", sa.Text, nullable=False),
    sa.Column("session_id", sa.Text),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    sa.Column("sent_revision", sa.Integer, nullable=False, server_default="0"),
    sa.Column("state", sa.Text, nullable=False),  # queued sending sent failed
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_before", sa.Float, nullable=False),
    sa.Column("remote_id", sa.Text),
    sa.Column("result", sa.JSON),
    sa.Column("error", sa.Text),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("changed_at", sa.Float, nullable=False),
    sa.Index("outbox_open", "id", sqlite_where=sa.text("state IN ('queued', 'sending')")),
    sa.Index("outbox_remote", "repo", "remote_id"),
)

records = sa.Table(
    "records",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("session_id", sa.Text),
    sa.Column("delivery_id", sa.Integer),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("level", sa.Text, nullable=False, server_default="info"),  # info warning error
    sa.Column("source", sa.Text, nullable=False, server_default=""),  # one of runtime.trail.SOURCES
    sa.Index("records_of_session", "session_id", "id"),
    sa.Index("records_of_delivery", "delivery_id", sqlite_where=sa.text("delivery_id IS NOT NULL")),
    sa.Index("records_of_kind", "kind", "id"),
)

records_search = sa.table("records_search", sa.column("rowid"), sa.column("summary"), sa.column("data"))
"""The words of the records, an FTS5 index that triggers keep (https://www.sqlite.org/fts5.html#external_content_tables)."""

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # boot_id  numbers:<project>
    sa.Column("value", sa.JSON, nullable=False),
)
