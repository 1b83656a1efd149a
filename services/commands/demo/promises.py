"""Three promises explained: cases of 2026 in a crisis service of their own, so that the calendars have their say.

The play itself lies in 1998, when China worked no weekend instead of a holiday yet. Here a case runs across the Spring
Festival with its make-up Saturday, one across the change of the clocks in New York, and one under the law beside the
contract, each worked on at stated instants; what is told of them is what `GET /v1/cases/{id}/sla/explain` answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.commands.demo.client import Client, Stepper
from services.commands.demo.documents import in_new_york, new_version
from services.commands.names import ServiceName

CRISIS: Final = ServiceName.CRISIS
Deed = tuple[str, str, Mapping[str, Any]]
"""When (UTC), which action, and what its body says."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One case: opened at an instant, worked on, and looked at when all is done. Instants are UTC."""

    title: str
    customer: str
    opened: str
    zone: str
    deeds: Sequence[Deed]
    until: str
    case: Mapping[str, Any] = field(default_factory=dict)


SPRING_FESTIVAL: Final = Scene(
    title="Across the Spring Festival and a Saturday worked instead 跨春节与调休周六",
    customer="spring-festival",
    opened="2026-02-12T07:00:00Z",
    zone="Asia/Shanghai",
    deeds=(
        ("2026-02-12T07:40:00Z", "acknowledge", {}),
        ("2026-02-13T01:40:00Z", "respond", {"means": "call", "text": "We look into it"}),
        ("2026-02-13T06:00:00Z", "wait", {"waiting_for": "waiting_for_customer"}),
        ("2026-02-14T02:30:00Z", "continue", {}),
        ("2026-02-24T08:00:00Z", "propose-resolution", {"text": "A replacement today"}),
    ),
    until="2026-02-24T08:30:00Z",
)
CLOCK_CHANGE: Final = Scene(
    title="Across the change of the clocks in New York 跨纽约夏令时切换",
    customer="clock-change",
    opened="2026-03-06T20:00:00Z",
    zone="America/New_York",
    deeds=(
        ("2026-03-06T20:30:00Z", "acknowledge", {}),
        ("2026-03-09T15:20:00Z", "respond", {"means": "call", "text": "Twenty minutes late"}),
    ),
    until="2026-03-10T18:00:00Z",
)
BY_LAW: Final = Scene(
    title="The law beside the contract: UK FCA DISP 法定时限与合同时限并行",
    customer="by-law",
    opened="2026-03-20T10:00:00Z",
    zone="Europe/London",
    deeds=(
        ("2026-03-20T11:00:00Z", "acknowledge", {}),
        ("2026-03-20T14:00:00Z", "wait", {"waiting_for": "waiting_for_customer"}),
        ("2026-03-20T15:30:00Z", "continue", {}),
        ("2026-03-20T18:10:00Z", "respond", {"means": "call", "text": "We investigate"}),
    ),
    until="2026-04-02T12:00:00Z",
    case={"regulated": "uk-fca-disp"},
)
BEGIN: Final = "2026-02-12T06:00:00Z"
"""Where the clock of that service stands at first."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What the service tells of one case. `figures` are the same on every run; `picture` is an SVG."""

    title: str
    figures: Mapping[str, Any]
    text: str
    chinese: str
    picture: str


async def explain_three(url: str, key: str) -> list[Explained]:
    """Play the three cases on the crisis service at `url`, whose clock stands at `BEGIN` or before."""
    client = Client({CRISIS: url}, key)
    try:
        stage = _Stage(client)
        found = [await stage.play(SPRING_FESTIVAL)]
        await new_version(client, "/v1/sla-policies/standard", in_new_york)
        return [*found, await stage.play(CLOCK_CHANGE), await stage.play(BY_LAW)]
    finally:
        await client.close()


class _Stage:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._stepper = Stepper(client, services=(CRISIS,))

    async def play(self, scene: Scene) -> Explained:
        """Open the case, do what the scene says when it says so, and have it explained at the end."""
        await self._step_to(scene.opened)
        body = {"customer_id": scene.customer, "title": scene.title.partition(" 跨")[0], **scene.case}
        case = (await self._client.post(CRISIS, "/v1/cases", body))["id"]
        for at, action, said in scene.deeds:
            await self._step_to(at)
            found = await self._client.call(CRISIS, "GET", f"/v1/cases/{case}")
            path = f"/v1/cases/{case}/{action}"
            await self._client.post(CRISIS, path, {"by": "service-desk", **said}, etag=found.etag)
        await self._step_to(scene.until)
        explain = f"/v1/cases/{case}/sla/explain?zone={scene.zone}"
        return Explained(
            title=scene.title,
            figures=await self._figures(case, scene),
            text=await self._client.text(CRISIS, f"{explain}&format=text&lang=en"),
            chinese=await self._client.text(CRISIS, f"{explain}&format=text&lang=zh-CN"),
            picture=await self._client.text(CRISIS, f"{explain}&format=svg&lang=zh-CN"),
        )

    async def _step_to(self, instant: str) -> None:
        """Move from one planned instant to the next, each settled, until `instant`."""
        to = datetime.fromisoformat(instant)
        look = await self._stepper.settle()
        while look.next_due_at is not None and look.next_due_at < to:
            await self._stepper.move(look.next_due_at)
            look = await self._stepper.settle()
        await self._stepper.move(to)
        await self._stepper.settle()

    async def _figures(self, case: str, scene: Scene) -> dict[str, Any]:
        """What the fold says of each clock; no id is among it."""
        clocks = (await self._client.get(CRISIS, f"/v1/cases/{case}/clocks"))["items"]
        names = ("target", "cycle", "result", "statutory", "started_at", "due_at", "breached_at", "stopped_at",
                 "elapsed_seconds", "paused_seconds", "closed_seconds")  # fmt: skip
        rows = [{name: clock[name] for name in names} for clock in clocks]
        rows.sort(key=lambda row: (row["started_at"], row["target"], row["cycle"]))
        return {"title": scene.title, "zone": scene.zone, "clocks": rows}
