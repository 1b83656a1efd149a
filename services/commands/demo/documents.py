"""The documents that the demo changes before it starts, through the public doors, as an operator would.

- grading: `cdnow-rfm-lifecycle`, made for this data, instead of `rfm-lifecycle`, which counts in yuan;
- promises in business hours are counted in the hours of an office in New York, where these customers are; each warns
  once: five minutes before the end of acknowledgement and first response, an hour before the end of the others;
- an escalation calls each level once and does not repeat the last;
- a case is opened by a fall out of the best class only: these are thousands of consumers, not companies.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from services.commands.demo.client import Client
from services.commands.names import ServiceName

MODEL: Final = "cdnow-rfm-lifecycle"
_QUICK: Final = {"acknowledge", "first_response"}
Change = Callable[[dict[str, Any]], dict[str, Any]]


async def change_documents(client: Client) -> None:
    """Make and activate the versions that the demo runs on; nobody is graded before `grade_everybody`."""
    await client.post(ServiceName.SCORING, "/v1/models/rfm-lifecycle/retire", None)
    for policy in ("strategic", "key", "standard", "basic"):
        await new_version(client, f"/v1/sla-policies/{policy}", _warning_once)
    for policy in ("default", "key", "strategic"):
        await new_version(client, f"/v1/escalation-policies/{policy}", _climbing_once)
    await new_version(client, "/v1/trigger-rules/tier-drop", _falls_of_the_best)


async def grade_everybody(client: Client) -> None:
    """Activate the model made for this data and grade all customers at one instant, so that no batch decides a tier."""
    await _activate(client, ServiceName.SCORING, f"/v1/models/{MODEL}/versions/1")
    await client.post(ServiceName.SCORING, f"/v1/models/{MODEL}/recompute", None)


async def new_version(client: Client, path: str, change: Change) -> None:
    """Change the active version of a document and activate what comes of it."""
    active = await client.get(ServiceName.CRISIS, path)
    made = await client.post(ServiceName.CRISIS, f"{path}/versions", change(copy.deepcopy(active["body"])))
    await _activate(client, ServiceName.CRISIS, f"{path}/versions/{made['version']}")


async def _activate(client: Client, service: ServiceName, version: str) -> None:
    draft = await client.call(service, "GET", version)
    await client.post(service, f"{version}/activate", None, etag=draft.etag)


def in_new_york(document: dict[str, Any]) -> dict[str, Any]:
    """The same document with the office calendar of New York wherever it names the Chinese one."""
    return {name: _replaced(value) for name, value in document.items()}


def _warning_once(document: dict[str, Any]) -> dict[str, Any]:
    policy = in_new_york(document)
    for name, target in policy["targets"].items():
        target.pop("warn", None)
        target["warn_before"] = ["PT5M" if name in _QUICK else "PT1H"]
    return policy


def _climbing_once(document: dict[str, Any]) -> dict[str, Any]:
    document.pop("repeat", None)
    return in_new_york(document)


def _replaced(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _replaced(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner) for inner in value]
    return "us-office" if value == "cn-office" else value


def _falls_of_the_best(document: dict[str, Any]) -> dict[str, Any]:
    document["match"]["where"]["previous_service_class"] = ["strategic"]
    return document
