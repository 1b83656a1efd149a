"""The tables as lists and reports name them. Migrations make them; hot paths have statements of their own."""

import sqlalchemy as sa

METADATA = sa.MetaData()


def _table(
    name: str, text: str, *, instants: str = "", numbers: str = "", flags: str = "", words: str = ""
) -> sa.Table:
    """A table with columns by kind, each a list of names."""
    return sa.Table(
        name,
        METADATA,
        *(sa.Column(column, sa.Text) for column in text.split()),
        *(sa.Column(column, sa.TIMESTAMP(timezone=True)) for column in instants.split()),
        *(sa.Column(column, sa.Integer) for column in numbers.split()),
        *(sa.Column(column, sa.Boolean) for column in flags.split()),
        *(sa.Column(column, sa.ARRAY(sa.Text)) for column in words.split()),
    )


person = _table(
    "person",
    "id name locale zone manager deputy",
    instants="away_from away_until created_at updated_at",
    numbers="revision",
    flags="active",
)
team = _table("team", "id name", instants="created_at updated_at", numbers="revision")
team_member = _table("team_member", "team_id person_id", numbers="position")
contact_point = _table(
    "contact_point",
    "id owner channel address last_problem",
    instants="verified_at unhealthy_since created_at updated_at",
    numbers="position revision",
    flags="healthy",
)
contact_rule = _table(
    "contact_rule", "person_id urgency", instants="created_at updated_at", numbers="revision", words="channels"
)
role_assignment = _table(
    "role_assignment", "customer_id role person_id team_id", instants="created_at updated_at", numbers="revision"
)
message = _table(
    "message",
    "id event_id event_type rule route subject customer_id case_id matter_id audience urgency template state reason"
    " acknowledged_by acknowledged_means",
    instants="happened_at created_at created_wall ended_at acknowledged_at",
    numbers="route_version template_version escalation_step",
    flags="asks_acknowledgement",
    words="conditions",
)
delivery = _table(
    "delivery",
    "id message_id event_id rule recipient channel person subject masked_address state reason last_outcome last_detail"
    " reference",
    instants="created_at created_wall due_at expires_at retry_wall ended_at ended_wall",
    numbers="step attempts",
)
