"""a conversation and a turn whose texts are deleted keep neither token nor the client's id"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("conversations") as batch_op:
        batch_op.alter_column("token_hash", existing_type=sa.String(), nullable=True)
    with op.batch_alter_table("turns", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.alter_column("message", existing_type=sa.String(), nullable=True)


def downgrade() -> None:
    op.execute("UPDATE conversations SET token_hash = id WHERE token_hash IS NULL")
    op.execute("UPDATE turns SET message = CAST(id AS VARCHAR) WHERE message IS NULL")
    with op.batch_alter_table("turns") as batch_op:
        batch_op.alter_column("message", existing_type=sa.String(), nullable=False)
    with op.batch_alter_table("conversations") as batch_op:
        batch_op.alter_column("token_hash", existing_type=sa.String(), nullable=False)
