"""conversations: the editors' tags and note"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "conversation_tags",
        sa.Column("conversation", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("tagged_at", sa.DateTime(timezone=True), nullable=False),
        _foreign_key("conversation_tags"),
        sa.PrimaryKeyConstraint("conversation", "tag", name=op.f("pk_conversation_tags")),
    )
    op.create_index(op.f("ix_conversation_tags_tag"), "conversation_tags", ["tag"])
    op.create_table(
        "conversation_notes",
        sa.Column("conversation", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        _foreign_key("conversation_notes"),
        sa.PrimaryKeyConstraint("conversation", name=op.f("pk_conversation_notes")),
    )


def downgrade() -> None:
    op.drop_table("conversation_notes")
    op.drop_table("conversation_tags")


def _foreign_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["conversation"],
        ["conversations.id"],
        name=op.f(f"fk_{table}_conversation_conversations"),
        ondelete="CASCADE",
    )
