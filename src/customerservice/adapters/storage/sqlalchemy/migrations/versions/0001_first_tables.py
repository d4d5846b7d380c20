"""The first tables."""

import sqlalchemy as sa
from alembic import op

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
from customerservice.adapters.storage.sqlalchemy.migrations.steps import create_table, full_name

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    create_table(
        "cs_blob",
        sa.Column("sha256", Key(64), nullable=False, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_cs_blob"),
    )
    create_table(
        "cs_contact",
        sa.Column("id", Id, nullable=False, autoincrement=False),
        sa.Column("shop", Key(64), nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("description", Words),
        sa.Column("saves_messages", sa.Boolean, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("after_reply", Key(32)),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cs_contact"),
        sa.Index("ix_cs_contact_shop_position", "shop", "position"),
    )
    create_table(
        "cs_delivery",
        sa.Column("id", Id, nullable=False, autoincrement=False),
        sa.Column("delivery_key", DigestKey, nullable=False),
        sa.Column("shop", Key(64), nullable=False),
        sa.Column("mailbox_id", Id),
        sa.Column("source", ExactText, nullable=False),
        sa.Column("source_key", DigestKey, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("uid", sa.BigInteger, nullable=False),
        sa.Column("name", ExactText, nullable=False),
        sa.Column("sha256", Key(64)),
        sa.Column("content_digest", Key(64)),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("received_at", Moment, nullable=False),
        sa.Column("stored_at", Moment, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("outcome", Key(32), nullable=False),
        sa.Column("raw_kept", sa.Boolean, nullable=False),
        sa.Column("acknowledge", sa.Boolean, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name="pk_cs_delivery"),
        sa.UniqueConstraint("delivery_key", name="uq_cs_delivery_delivery_key"),
        sa.Index("ix_cs_delivery_header_key", "header_key"),
        sa.Index("ix_cs_delivery_mailbox_id_outcome_id", "mailbox_id", "outcome", "id"),
        sa.Index("ix_cs_delivery_shop_content_digest_id", "shop", "content_digest", "id"),
        sa.Index("ix_cs_delivery_source_key_sha256_id", "source_key", "sha256", "id"),
        sa.Index("ix_cs_delivery_shop_outcome_id", "shop", "outcome", "id"),
        sa.Index(
            "ix_cs_delivery_unread_of_epoch_uid_id",
            "unread_of",
            "epoch",
            "uid",
            "id",
            sqlite_where=sa.text("unread_of IS NOT NULL"),
            postgresql_where=sa.text("unread_of IS NOT NULL"),
        ),
        sa.Index(
            "ix_cs_delivery_untold_of_epoch_id",
            "untold_of",
            "epoch",
            "id",
            sqlite_where=sa.text("untold_of IS NOT NULL"),
            postgresql_where=sa.text("untold_of IS NOT NULL"),
        ),
    )
    create_table(
        "cs_employee",
        sa.Column("ref", Key(191), nullable=False, autoincrement=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("email", Words),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_cs_employee"),
    )
    create_table(
        "cs_event",
        sa.Column("id", Counter, nullable=False, autoincrement=True),
        sa.Column("thread_id", Id, nullable=False),
        sa.Column("shop", Key(64), nullable=False),
        sa.Column("kind", Key(32), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("actor", Words, nullable=False),
        sa.Column("cause", Key(32)),
        sa.Column("before", Words),
        sa.Column("after", Words),
        sa.Column("message_id", Id),
        sa.PrimaryKeyConstraint("id", name="pk_cs_event"),
        sa.Index("ix_cs_event_thread_id_id", "thread_id", "id"),
    )
    create_table(
        "cs_figure",
        sa.Column("shop", Key(64), nullable=False, autoincrement=False),
        sa.Column("contact_id", Id, nullable=False, autoincrement=False),
        sa.Column("day", Day, nullable=False, autoincrement=False),
        sa.Column("figure", Key(32), nullable=False, autoincrement=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("shop", "contact_id", "day", "figure", name="pk_cs_figure"),
    )
    create_table(
        "cs_lease",
        sa.Column("name", Key(191), nullable=False, autoincrement=False),
        sa.Column("owner", Words),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("held_until", Moment),
        sa.PrimaryKeyConstraint("name", name="pk_cs_lease"),
    )
    create_table(
        "cs_mailbox",
        sa.Column("id", Id, nullable=False, autoincrement=False),
        sa.Column("shop", Key(64), nullable=False),
        sa.Column("options", Words, nullable=False),
        sa.Column("user_name", Words, nullable=False),
        sa.Column("secret_kind", Key(32)),
        sa.Column("secret_name", Words),
        sa.Column("secret_oauth", sa.Boolean, nullable=False),
        sa.Column("contact_id", Id),
        sa.Column("after_fetch", Key(32), nullable=False),
        sa.Column("after_fetch_folder", Words),
        sa.Column("create_threads", sa.Boolean, nullable=False),
        sa.Column("first_sync_everything", sa.Boolean, nullable=False),
        sa.Column("first_sync_since", Day),
        sa.Column("pause", Span, nullable=False),
        sa.Column("allow_clear_text", sa.Boolean, nullable=False),
        sa.Column("reply_address", Words),
        sa.Column("form_senders", Words, nullable=False),
        sa.Column("size_limit", sa.BigInteger, nullable=False),
        sa.Column("authserv_id", Words),
        sa.Column("last_success_at", Moment),
        sa.Column("last_error", Words),
        sa.Column("last_error_at", Moment),
        sa.Column("errors_in_a_row", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cs_mailbox"),
        sa.Index("ix_cs_mailbox_shop", "shop"),
    )
    create_table(
        "cs_mailbox_cursor",
        sa.Column("mailbox_id", Id, nullable=False, autoincrement=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("uid", sa.BigInteger, nullable=False),
        sa.Column("since", Day),
        sa.Column("old_uid", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", name="pk_cs_mailbox_cursor"),
    )
    create_table(
        "cs_outbox",
        sa.Column("id", Id, nullable=False, autoincrement=False),
        sa.Column("shop", Key(64), nullable=False),
        sa.Column("thread_id", Id, nullable=False),
        sa.Column("message_id", Id, nullable=False),
        sa.Column("header_id", Words, nullable=False),
        sa.Column("sender", Words),
        sa.Column("sha256", Key(64), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("next_try_at", Moment, nullable=False),
        sa.Column("then_status", Key(32)),
        sa.Column("state", Key(32), nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("claimed_by", Words),
        sa.Column("claimed_until", Moment),
        sa.Column("last_error", Words),
        sa.Column("settled_at", Moment),
        sa.Column("due_at", Moment),
        sa.PrimaryKeyConstraint("id", name="pk_cs_outbox"),
        sa.Index("ix_cs_outbox_due_at_id", "due_at", "id"),
        sa.Index("ix_cs_outbox_message_id", "message_id"),
        sa.Index("ix_cs_outbox_shop_state_id", "shop", "state", "id"),
    )
    create_table(
        "cs_thread",
        sa.Column("id", Id, nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("shop", Key(64), nullable=False),
        sa.Column("contact_id", Id),
        sa.Column("status", Key(32), nullable=False),
        sa.Column("subject", Words),
        sa.Column("language", Words),
        sa.Column("address", Words),
        sa.Column("address_key", Key(500)),
        sa.Column("name", Words, nullable=False),
        sa.Column("customer", Key(191)),
        sa.Column("order_ref", Key(191)),
        sa.Column("assignee", Key(191)),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.Column("customer_messages", sa.BigInteger, nullable=False),
        sa.Column("employee_messages", sa.BigInteger, nullable=False),
        sa.Column("opened_at", Moment, nullable=False),
        sa.Column("last_activity_at", Moment, nullable=False),
        sa.Column("last_customer_message_at", Moment),
        sa.Column("last_employee_message_at", Moment),
        sa.Column("waiting_since", Moment),
        sa.Column("first_response", Span),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cs_thread"),
        sa.UniqueConstraint("number", name="uq_cs_thread_number"),
        sa.Index("ix_cs_thread_address_key_last_activity_at_id", "address_key", "last_activity_at", "id"),
        sa.Index("ix_cs_thread_assignee_status_last_activity_at_id", "assignee", "status", "last_activity_at", "id"),
        sa.Index(
            "ix_cs_thread_contact_id_status_last_activity_at_id", "contact_id", "status", "last_activity_at", "id"
        ),
        sa.Index("ix_cs_thread_customer_last_activity_at_id", "customer", "last_activity_at", "id"),
        sa.Index("ix_cs_thread_order_ref", "order_ref"),
        sa.Index("ix_cs_thread_shop_last_activity_at_id", "shop", "last_activity_at", "id"),
        sa.Index("ix_cs_thread_shop_status_last_activity_at_id", "shop", "status", "last_activity_at", "id"),
    )
    create_table(
        "cs_thread_number",
        sa.Column("number", Counter, nullable=False, autoincrement=True),
        sa.PrimaryKeyConstraint("number", name="pk_cs_thread_number"),
        sqlite_autoincrement=True,
    )
    create_table(
        "cs_blob_chunk",
        sa.Column("sha256", Key(64), nullable=False, autoincrement=False),
        sa.Column("position", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("content", Bytes, nullable=False),
        sa.PrimaryKeyConstraint("sha256", "position", name="pk_cs_blob_chunk"),
        sa.ForeignKeyConstraint(
            ["sha256"], ["cs_blob.sha256"], name="fk_cs_blob_chunk_sha256_cs_blob", ondelete="CASCADE"
        ),
    )
    create_table(
        "cs_blob_reference",
        sa.Column("sha256", Key(64), nullable=False, autoincrement=False),
        sa.Column("kind", Key(32), nullable=False, autoincrement=False),
        sa.Column("owner_id", Key(64), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("sha256", "kind", "owner_id", name="pk_cs_blob_reference"),
        sa.ForeignKeyConstraint(["sha256"], ["cs_blob.sha256"], name="fk_cs_blob_reference_sha256_cs_blob"),
    )
    create_table(
        "cs_contact_address",
        sa.Column("contact_id", Id, nullable=False, autoincrement=False),
        sa.Column("position", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("address", Words, nullable=False),
        sa.Column("address_key", Key(500), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "position", name="pk_cs_contact_address"),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["cs_contact.id"], name="fk_cs_contact_address_contact_id_cs_contact", ondelete="CASCADE"
        ),
        sa.Index("ix_cs_contact_address_address_key", "address_key"),
    )
    create_table(
        "cs_message",
        sa.Column("id", Id, nullable=False, autoincrement=False),
        sa.Column("thread_id", Id, nullable=False),
        sa.Column("shop", Key(64), nullable=False),
        sa.Column("contact_id", Id),
        sa.Column("author_kind", Key(32), nullable=False),
        sa.Column("author_name", Words, nullable=False),
        sa.Column("author_address", Words),
        sa.Column("author_employee", Key(191)),
        sa.Column("author_customer", Key(191)),
        sa.Column("audience", Key(32), nullable=False),
        sa.Column("kind", Key(32), nullable=False),
        sa.Column("text", Words, nullable=False),
        sa.Column("quoted_text", Words, nullable=False),
        sa.Column("signature", Words, nullable=False),
        sa.Column("html", Words),
        sa.Column("subject", Words),
        sa.Column("sent_at", Moment, nullable=False),
        sa.Column("stored_at", Moment, nullable=False),
        sa.Column("header_id", Words),
        sa.Column("delivery_id", Id),
        sa.Column("attachments", sa.Integer, nullable=False),
        sa.Column("product", Key(191)),
        sa.Column("user_agent", Words),
        sa.Column("automatic", sa.Boolean, nullable=False),
        sa.Column("in_reply_to", Id),
        sa.PrimaryKeyConstraint("id", name="pk_cs_message"),
        sa.ForeignKeyConstraint(["thread_id"], ["cs_thread.id"], name="fk_cs_message_thread_id_cs_thread"),
        sa.Index("ix_cs_message_thread_id_id", "thread_id", "id"),
    )
    create_table(
        "cs_outbox_recipient",
        sa.Column("outbox_id", Id, nullable=False, autoincrement=False),
        sa.Column("position", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("address", Words, nullable=False),
        sa.Column("state", Key(32), nullable=False),
        sa.Column("code", sa.BigInteger),
        sa.Column("text", Words, nullable=False),
        sa.PrimaryKeyConstraint("outbox_id", "position", name="pk_cs_outbox_recipient"),
        sa.ForeignKeyConstraint(
            ["outbox_id"], ["cs_outbox.id"], name="fk_cs_outbox_recipient_outbox_id_cs_outbox", ondelete="CASCADE"
        ),
    )
    create_table(
        "cs_thread_participant",
        sa.Column("thread_id", Id, nullable=False, autoincrement=False),
        sa.Column("address_key", Key(500), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("thread_id", "address_key", name="pk_cs_thread_participant"),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["cs_thread.id"], name="fk_cs_thread_participant_thread_id_cs_thread", ondelete="CASCADE"
        ),
    )
    create_table(
        "cs_attachment",
        sa.Column("id", Id, nullable=False, autoincrement=False),
        sa.Column("message_id", Id, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("filename", Words),
        sa.Column("media_type", Words, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", Key(64), nullable=False),
        sa.Column("content_id", Words),
        sa.Column("inline", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cs_attachment"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["cs_message.id"], name="fk_cs_attachment_message_id_cs_message", ondelete="CASCADE"
        ),
        sa.Index("ix_cs_attachment_message_id_position", "message_id", "position"),
        sa.Index("ix_cs_attachment_sha256", "sha256"),
    )
    create_table(
        "cs_header_id",
        sa.Column("header_key", DigestKey, nullable=False, autoincrement=False),
        sa.Column("message_id", Id, nullable=False, autoincrement=False),
        sa.Column("shop", Key(64), nullable=False),
        sa.Column("thread_id", Id, nullable=False),
        sa.Column("sent", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("header_key", "message_id", name="pk_cs_header_id"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["cs_message.id"], name="fk_cs_header_id_message_id_cs_message", ondelete="CASCADE"
        ),
        sa.Index("ix_cs_header_id_message_id", "message_id"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Mails compress badly, and trying costs 4.7 times the writing.
        op.execute(f"ALTER TABLE {full_name('cs_blob_chunk')} ALTER COLUMN content SET STORAGE EXTERNAL")
