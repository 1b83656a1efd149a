"""Who owns a case, and who no longer may."""

from services.crisis.domain.case import Matter
from services.crisis.domain.casefile import CaseFile, Tools


def relieve_owner(file: CaseFile, matter: Matter, tools: Tools) -> None:
    """Take the case from its owner if the matter turns out to be about him: somebody else is to be found."""
    owner = file.case.owner
    if owner is None or matter.complained_about != owner:
        return
    file.change(owner=None)
    because = f"{owner} is complained about"
    file.tell_case("updated", tools, reason=because, update="assigned", changes=[("owner", owner, None)])
    data = {"before": owner, "after": None, "reason": because, "matter_id": matter.id}
    file.note(tools, "case.assigned", "Owner: nobody", data=data)
