"""What is told of a complaint before the complaint itself, kept until that comes."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_STATEMENTS = """
create table early_amendment (
    source text not null,
    event_id text not null,
    customer_id text not null,
    complaint_id text not null,
    kind text not null,
    event jsonb not null,
    changes jsonb not null,
    reason text,
    at timestamptz not null,
    primary key (source, event_id)
);
create index early_amendment_by_complaint on early_amendment (complaint_id);
"""


def upgrade() -> None:
    # One statement at a time: the driver prepares each.
    for statement in _STATEMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)
