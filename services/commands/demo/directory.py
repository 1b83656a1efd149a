"""Who is told in the demo: roles, not invented people. All are reached by mail."""

from typing import Final

from services.commands.demo.client import Client
from services.commands.names import ServiceName

_ROLES: Final = ("account_manager", "team_lead", "department_head", "executive_sponsor", "ceo")


async def set_up_people(client: Client) -> None:
    """One member of staff a role, for every customer, with a mail address at the reserved domain example.com."""
    for role in _ROLES:
        person = role.replace("_", "-")
        profile = {"name": role.replace("_", " ").capitalize(), "locale": "en", "zone": "America/New_York"}
        await client.call(ServiceName.NOTIFY, "PUT", f"/v1/people/{person}", profile)
        point = {"person": person, "channel": "smtp", "address": f"{person}@example.com"}
        await client.post(ServiceName.NOTIFY, "/v1/contact-points", point)
        await client.call(ServiceName.NOTIFY, "PUT", f"/v1/roles/*/{role}", {"person": person})
