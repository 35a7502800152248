"""the review: what editors did there, so that it can be undone"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "review_acts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("did", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=True),
        sa.Column("phrases", sa.JSON(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_acts")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("set_aside") as batch_op:
        batch_op.add_column(sa.Column("act", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_set_aside_act_review_acts"),
            "review_acts",
            ["act"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_index(batch_op.f("ix_set_aside_act"), ["act"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("set_aside") as batch_op:
        batch_op.drop_index(batch_op.f("ix_set_aside_act"))
        batch_op.drop_constraint(op.f("fk_set_aside_act_review_acts"), type_="foreignkey")
        batch_op.drop_column("act")
    op.drop_table("review_acts")
