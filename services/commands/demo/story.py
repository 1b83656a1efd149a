"""One customer's whole story, from the first order to the last thing that happened to the case."""

from collections.abc import Mapping
from typing import Any

from services.commands.demo.client import Client
from services.commands.demo.figures import Figures
from services.commands.names import ServiceName


async def story_of(client: Client, figures: Figures) -> Mapping[str, Any]:
    """The story of the customer with the richest complaint; chosen by the data, so the same on every run."""
    chosen = _choose(figures)
    if chosen is None:
        return {}
    customer, case = chosen
    told = [
        *[item async for item in client.every(ServiceName.SCORING, f"/v1/customers/{customer}/timeline")],
        *[item async for item in client.every(ServiceName.CRISIS, f"/v1/cases/{case}/timeline")],
    ]
    entries = [{"at": item["at"], "what": item["kind"], "text": item["summary"]} for item in told]
    entries.sort(key=lambda entry: entry["at"])
    return {
        "customer": customer,
        "why": "Chosen by rule: the customer with a complaint whose case had the most breaches and reopenings"
        " (then the smallest id).",
        "entries": [entry | {"at": entry["at"][:16].replace("T", " ")} for entry in entries],
    }


def _choose(figures: Figures) -> tuple[str, str] | None:
    """The customer and case with most breached cycles among those with a complaint; ties by customer id."""
    breaches: dict[str, int] = {}
    for (_, cycle), clock in figures.clocks.items():
        case = clock["case"]
        breaches[case] = breaches.get(case, 0) + int(clock["breached"]) + (cycle - 1)
    complaints = {case for case, _ in figures.matters.values()}
    ranked = sorted(
        (
            (-breaches.get(case, 0), state["customer"], case)
            for case, state in figures.cases.items()
            if case in complaints
        ),
    )
    return (ranked[0][1], ranked[0][2]) if ranked else None
