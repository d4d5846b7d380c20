"""The tables of a help desk: all begin with ``cs_``, none refers to a table of the host.

Rows of different aggregates refer to each other without foreign keys, but for a message's thread: what they point at
may be erased before them. `shop` leads the indexes of lists.
"""

from typing import Any

import sqlalchemy as sa

from customerservice.adapters.storage.sqlalchemy.columns import (
    Bytes,
    Counter,
    Day,
    DigestKey,
    ExactText,
    Id,
    Key,
    Moment,
    Span,
    Words,
)

#: All tables begin with this.
PREFIX = "cs_"

#: The tables of this library alone; a host passes it to Alembic beside its own.
metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

SHOP = Key(64)
REFERENCE = Key(191)
NAME = Key(32)
SHA256 = Key(64)
ADDRESS = Key(500)


def _column(name: str, kind: Any, *more: Any, primary_key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, *more, primary_key=primary_key, nullable=False, autoincrement=False)


def _table(name: str, *columns: Any, **options: Any) -> sa.Table:
    return sa.Table(
        PREFIX + name,
        metadata,
        *columns,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
        **options,
    )


def _part_of(table: sa.Table) -> sa.ForeignKey:
    """Tie rows to the one they are a part of, which takes them along when it goes."""
    return sa.ForeignKey(table.c.id, ondelete="CASCADE")


contact = _table(
    "contact",
    _column("id", Id, primary_key=True),
    _column("shop", SHOP),
    _column("name", Words),
    sa.Column("description", Words),
    _column("saves_messages", sa.Boolean),
    _column("position", sa.BigInteger),
    sa.Column("after_reply", NAME),
    _column("version", sa.BigInteger),
    sa.Column("language", Words),
    sa.Index(None, "shop", "position"),
)

contact_address = _table(
    "contact_address",
    _column("contact_id", Id, _part_of(contact), primary_key=True),
    _column("position", sa.Integer, primary_key=True),
    _column("address", Words),
    _column("address_key", ADDRESS),
    sa.Index(None, "address_key"),
)

mailbox = _table(
    "mailbox",
    _column("id", Id, primary_key=True),
    _column("shop", SHOP),
    _column("options", Words),
    _column("user_name", Words),
    sa.Column("secret_kind", NAME),
    sa.Column("secret_name", Words),
    _column("secret_oauth", sa.Boolean),
    sa.Column("contact_id", Id),
    _column("after_fetch", NAME),
    sa.Column("after_fetch_folder", Words),
    _column("create_threads", sa.Boolean),
    _column("first_sync_everything", sa.Boolean),
    sa.Column("first_sync_since", Day),
    _column("pause", Span),
    _column("allow_clear_text", sa.Boolean),
    sa.Column("reply_address", Words),
    _column("form_senders", Words),
    _column("size_limit", sa.BigInteger),
    sa.Column("authserv_id", Words),
    sa.Column("last_success_at", Moment),
    sa.Column("last_error", Words),
    sa.Column("last_error_at", Moment),
    _column("errors_in_a_row", sa.BigInteger),
    _column("version", sa.BigInteger),
    sa.Index(None, "shop"),
)

# No foreign key: a worker may note how far it came while somebody removes the mailbox.
mailbox_cursor = _table(
    "mailbox_cursor",
    _column("mailbox_id", Id, primary_key=True),
    _column("epoch", sa.BigInteger),
    _column("uid", sa.BigInteger),
    sa.Column("since", Day),
    _column("old_uid", sa.BigInteger),
)

thread_number = _table(
    "thread_number",
    sa.Column("number", Counter, primary_key=True, autoincrement=True),
    sqlite_autoincrement=True,
)

thread = _table(
    "thread",
    _column("id", Id, primary_key=True),
    _column("number", sa.BigInteger),
    _column("shop", SHOP),
    sa.Column("contact_id", Id),
    _column("status", NAME),
    sa.Column("subject", Words),
    sa.Column("language", Words),
    sa.Column("address", Words),
    sa.Column("address_key", ADDRESS),
    _column("name", Words),
    sa.Column("customer", REFERENCE),
    sa.Column("order_ref", REFERENCE),
    sa.Column("assignee", REFERENCE),
    _column("generation", sa.BigInteger),
    _column("messages", sa.BigInteger),
    _column("customer_messages", sa.BigInteger),
    _column("employee_messages", sa.BigInteger),
    _column("opened_at", Moment),
    _column("last_activity_at", Moment),
    sa.Column("last_customer_message_at", Moment),
    sa.Column("last_employee_message_at", Moment),
    sa.Column("waiting_since", Moment),
    sa.Column("first_response", Span),
    _column("version", sa.BigInteger),
    sa.UniqueConstraint("number"),
    sa.Index(None, "shop", "last_activity_at", "id"),
    sa.Index(None, "shop", "status", "last_activity_at", "id"),
    sa.Index(None, "contact_id", "status", "last_activity_at", "id"),
    sa.Index(None, "assignee", "status", "last_activity_at", "id"),
    sa.Index(None, "customer", "last_activity_at", "id"),
    sa.Index(None, "address_key", "last_activity_at", "id"),
    sa.Index(None, "order_ref"),
)

thread_participant = _table(
    "thread_participant",
    _column("thread_id", Id, _part_of(thread), primary_key=True),
    _column("address_key", ADDRESS, primary_key=True),
)

message = _table(
    "message",
    _column("id", Id, primary_key=True),
    _column("thread_id", Id, sa.ForeignKey(thread.c.id)),
    _column("shop", SHOP),
    sa.Column("contact_id", Id),
    _column("author_kind", NAME),
    _column("author_name", Words),
    sa.Column("author_address", Words),
    sa.Column("author_employee", REFERENCE),
    sa.Column("author_customer", REFERENCE),
    _column("audience", NAME),
    _column("kind", NAME),
    _column("text", Words),
    _column("quoted_text", Words),
    _column("signature", Words),
    sa.Column("html", Words),
    sa.Column("subject", Words),
    _column("sent_at", Moment),
    _column("stored_at", Moment),
    sa.Column("header_id", Words),
    sa.Column("delivery_id", Id),
    _column("attachments", sa.Integer),
    sa.Column("product", REFERENCE),
    sa.Column("user_agent", Words),
    _column("automatic", sa.Boolean),
    sa.Column("in_reply_to", Id),
    sa.Index(None, "thread_id", "id"),
)

attachment = _table(
    "attachment",
    _column("id", Id, primary_key=True),
    _column("message_id", Id, _part_of(message)),
    _column("position", sa.Integer),
    sa.Column("filename", Words),
    _column("media_type", Words),
    _column("size", sa.BigInteger),
    _column("sha256", SHA256),
    sa.Column("content_id", Words),
    _column("inline", sa.Boolean),
    sa.Index(None, "message_id", "position"),
    sa.Index(None, "sha256"),
)

header_id = _table(
    "header_id",
    _column("header_key", DigestKey, primary_key=True),
    _column("message_id", Id, _part_of(message), primary_key=True),
    _column("shop", SHOP),
    _column("thread_id", Id),
    _column("sent", sa.Boolean),
    sa.Index(None, "message_id"),
)

event = _table(
    "event",
    sa.Column("id", Counter, primary_key=True, autoincrement=True),
    _column("thread_id", Id),
    _column("shop", SHOP),
    _column("kind", NAME),
    _column("at", Moment),
    _column("actor", Words),
    sa.Column("cause", NAME),
    sa.Column("before", Words),
    sa.Column("after", Words),
    sa.Column("message_id", Id),
    sa.Index(None, "thread_id", "id"),
)

# `outcome` is "" while there is none, so that an index answers for it as for any other. `unread_of` and `untold_of`
# are the source's key exactly while the mail still has to be read, or its source to be told: the indexes over them hold
# only what is left to do.
delivery = _table(
    "delivery",
    _column("id", Id, primary_key=True),
    _column("delivery_key", DigestKey),
    _column("shop", SHOP),
    sa.Column("mailbox_id", Id),
    _column("source", ExactText),
    _column("source_key", DigestKey),
    _column("epoch", sa.BigInteger),
    _column("uid", sa.BigInteger),
    _column("name", ExactText),
    sa.Column("sha256", SHA256),
    sa.Column("content_digest", SHA256),
    _column("size", sa.BigInteger),
    _column("received_at", Moment),
    _column("stored_at", Moment),
    _column("attempts", sa.BigInteger),
    _column("outcome", NAME),
    _column("raw_kept", sa.Boolean),
    _column("acknowledge", sa.Boolean),
    sa.Column("header_id", Words),
    sa.Column("header_key", DigestKey),
    sa.Column("sender", Words),
    sa.Column("subject", Words),
    sa.Column("thread_id", Id),
    sa.Column("message_id", Id),
    sa.Column("duplicate_of", Id),
    sa.Column("decision", Words),
    sa.Column("reader_version", sa.BigInteger),
    sa.Column("unread_of", DigestKey),
    sa.Column("untold_of", DigestKey),
    sa.UniqueConstraint("delivery_key"),
    sa.Index(None, "shop", "outcome", "id"),
    sa.Index(None, "mailbox_id", "outcome", "id"),
    sa.Index(None, "source_key", "sha256", "id"),
    sa.Index(None, "shop", "content_digest", "id"),
    sa.Index(None, "header_key"),
    sa.Index(
        None,
        "unread_of",
        "epoch",
        "uid",
        "id",
        sqlite_where=sa.text("unread_of IS NOT NULL"),
        postgresql_where=sa.text("unread_of IS NOT NULL"),
    ),
    sa.Index(
        None,
        "untold_of",
        "epoch",
        "id",
        sqlite_where=sa.text("untold_of IS NOT NULL"),
        postgresql_where=sa.text("untold_of IS NOT NULL"),
    ),
)

# `chunks` is 0 where the bytes lie in a folder.
blob = _table(
    "blob",
    _column("sha256", SHA256, primary_key=True),
    _column("size", sa.BigInteger),
    _column("chunks", sa.Integer),
)

blob_chunk = _table(
    "blob_chunk",
    _column("sha256", SHA256, sa.ForeignKey(blob.c.sha256, ondelete="CASCADE"), primary_key=True),
    _column("position", sa.Integer, primary_key=True),
    _column("content", Bytes),
)

blob_reference = _table(
    "blob_reference",
    _column("sha256", SHA256, sa.ForeignKey(blob.c.sha256), primary_key=True),
    _column("kind", NAME, primary_key=True),
    _column("owner_id", Key(64), primary_key=True),
)

lease = _table(
    "lease",
    _column("name", REFERENCE, primary_key=True),
    sa.Column("owner", Words),
    _column("fence", sa.BigInteger),
    sa.Column("held_until", Moment),
)

# `due_at` is when the next worker may take it; NULL once nothing more is done by itself.
outbox = _table(
    "outbox",
    _column("id", Id, primary_key=True),
    _column("shop", SHOP),
    _column("thread_id", Id),
    _column("message_id", Id),
    _column("header_id", Words),
    sa.Column("sender", Words),
    _column("sha256", SHA256),
    _column("created_at", Moment),
    _column("next_try_at", Moment),
    sa.Column("then_status", NAME),
    _column("state", NAME),
    _column("tries", sa.BigInteger),
    sa.Column("claimed_by", Words),
    sa.Column("claimed_until", Moment),
    sa.Column("last_error", Words),
    sa.Column("settled_at", Moment),
    sa.Column("due_at", Moment),
    sa.Index(None, "shop", "state", "id"),
    sa.Index(None, "message_id"),
    sa.Index(None, "due_at", "id"),
)

outbox_recipient = _table(
    "outbox_recipient",
    _column("outbox_id", Id, _part_of(outbox), primary_key=True),
    _column("position", sa.Integer, primary_key=True),
    _column("address", Words),
    _column("state", NAME),
    sa.Column("code", sa.BigInteger),
    _column("text", Words),
)

# A contact_id of zeros stands for threads without contact: a unique key does not hold two NULLs apart.
figure = _table(
    "figure",
    _column("shop", SHOP, primary_key=True),
    _column("contact_id", Id, primary_key=True),
    _column("day", Day, primary_key=True),
    _column("figure", NAME, primary_key=True),
    _column("value", sa.BigInteger),
)

employee = _table(
    "employee",
    _column("ref", REFERENCE, primary_key=True),
    _column("name", Words),
    sa.Column("email", Words),
    _column("enabled", sa.Boolean),
)

_ORDER = {table: place for place, table in enumerate(metadata.sorted_tables)}


def table_order(table: sa.Table) -> int:
    """Give a table's place in the order of writing: those it refers to come before it."""
    return _ORDER[table]
