"""the review: wordings that were taught are hidden up to a release; conversations are found by what
their turns hold"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("set_aside") as batch_op:
        batch_op.add_column(sa.Column("release", sa.String(), nullable=True))
    op.create_index("ix_turns_found", "turns", ["conversation", "outcome", "question", "release"])


def downgrade() -> None:
    op.drop_index("ix_turns_found", "turns")
    with op.batch_alter_table("set_aside") as batch_op:
        batch_op.drop_column("release")
