"""`moat sla`: see what other versions of policies and calendars would do to clocks, and make it so, over HTTP.

Whoever looks and whoever approves hold keys of their own: the service refuses an approval by who asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode

import typer

from services.commands.names import ServiceName
from services.commands.problems import fail

if TYPE_CHECKING:
    from services.commands.demo.client import Client

sla = typer.Typer(
    no_args_is_help=True, help="Recalculate clocks and apply policies: a dry run, what it found, its approval."
)
_EVERY: Final = 0.5
"""Seconds between two looks at a job."""
_OPEN: Final = frozenset({"queued", "running"})
_LISTED: Final = ("case_ids", "service_class", "policies", "calendars")
_SELECT: Final = (*_LISTED, "opened_from", "opened_to", "include_closed")
_COUNTS: Final = (
    *("cases", "clocks", "changed_cases", "changed_clocks", "applied", "moved_on", "no_change", "would_go_over"),
    *("due_earlier", "due_later", "breaches_more", "breaches_fewer", "results_changed"),
)
"""The order in which people read them; the rest follow."""
_READING: Final = ("policy_version", "due_at", "breached_at", "result")

Policy = Annotated[list[str] | None, typer.Option(help="KEY=VERSION of an SLA policy, or KEY for the active one.")]
Calendar = Annotated[list[str] | None, typer.Option(help="KEY=VERSION of a calendar, or KEY for the active one.")]
Select = Annotated[
    list[str] | None,
    typer.Option(help=f"NAME=VALUE, several add up: {', '.join(_SELECT)}. Without any: every open case."),
]
Reason = Annotated[str, typer.Option(help="Why; written into the timeline of every case that changes.")]
Behaviour = Annotated[
    str | None,
    typer.Option(
        help="keep, retarget_from_start, restart_now, prorate or tighten_only; without it as the policies say."
    ),
]
Job = Annotated[str, typer.Argument(help="The job, as the dry run printed it.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many changes are shown.")]


@dataclass(frozen=True, slots=True)
class Door:
    """Where crisis is, and the key to call it with."""

    url: str
    key: str


@sla.callback()
def door(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="MOAT_CRISIS_URL", help="Where crisis answers.")] = "http://127.0.0.1:8002",
    key_file: Annotated[
        Path | None, typer.Option(envvar="MOAT_API_KEY_FILE", help="A file that holds the API key.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", envvar="MOAT_API_KEY", help="The API key; better in the environment.")
    ] = None,
) -> None:
    """Recalculate clocks and apply policies: a dry run, what it found, its approval by somebody else."""
    context.obj = url.rstrip("/"), key_file, key


@sla.command("recalculate")
def recalculate(
    context: typer.Context,
    *,
    reason: Reason,
    policy: Policy = None,
    calendar: Calendar = None,
    select: Select = None,
    limit: Limit = 20,
) -> None:
    """See what other versions would change in the past and from now on; nothing changes before it is approved."""
    body = {
        "to": {"policies": _versions(policy), "calendars": _versions(calendar)},
        "select": _selection(select),
        "reason": reason,
    }
    _on(context, lambda client: _ask(client, "/v1/sla/recalculate", body, limit))


@sla.command("apply")
def apply(
    context: typer.Context,
    policy: Annotated[str, typer.Argument(help="KEY=VERSION of the active SLA policy.")],
    *,
    reason: Reason,
    behaviour: Behaviour = None,
    select: Select = None,
    limit: Limit = 20,
) -> None:
    """See what a newer version of a policy would do to promises that run, from now on."""
    ((key, version),) = _versions([policy]).items()
    if version is None:
        raise fail(f"say which version of {key}: {key}=2, for example")
    body = {"behaviour": behaviour, "select": _selection(select), "reason": reason}
    path = f"/v1/sla-policies/{key}/versions/{version}/apply"
    _on(context, lambda client: _ask(client, path, body, limit))


@sla.command("watch")
def watch(context: typer.Context, job: Job) -> None:
    """Wait for a job, a dry run or an approved one, and say what came of it."""
    _on(context, lambda client: _watch(client, job))


@sla.command("changes")
def changes(
    context: typer.Context,
    job: Job,
    *,
    outcome: Annotated[str | None, typer.Option(help="would_change, applied, moved_on or no_change.")] = None,
    case: Annotated[str | None, typer.Option(help="Only those of this case.")] = None,
    limit: Limit = 1000,
) -> None:
    """List what a job found: each clock and cycle with its due instant, breach and result before and after."""
    wanted = {name: value for name, value in (("outcome", outcome), ("case_id", case)) if value is not None}
    _on(context, lambda client: _list(client, job, wanted, limit))


@sla.command("approve")
def approve(
    context: typer.Context,
    job: Job,
    *,
    reason: Annotated[str | None, typer.Option(help="Why it is approved; as the dry run says without it.")] = None,
    limit: Limit = 20,
) -> None:
    """Apply what a dry run found, with a key of somebody else than who asked for it."""
    body = {} if reason is None else {"reason": reason}
    _on(context, lambda client: _ask(client, f"/v1/sla/recalculations/{job}/approve", body, limit))


def _versions(given: Sequence[str] | None) -> dict[str, int | None]:
    """`key=2` as a version, `key` as the active one."""
    found: dict[str, int | None] = {}
    for one in given or ():
        key, says, version = one.partition("=")
        if says and not version.isdigit():
            raise fail(f"{one!r} names no version: write {key}=2, or {key} for the active one")
        found[key] = int(version) if says else None
    return found


def _selection(given: Sequence[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in given or ():
        name, _, value = one.partition("=")
        if name not in _SELECT:
            raise fail(f"{one!r} selects nothing: names are {', '.join(_SELECT)}")
        if name == "include_closed":
            found[name] = value in {"", "true"}
        elif name in _LISTED:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def _on(context: typer.Context, step: "Callable[[Client], Awaitable[None]]") -> None:
    """Do it with a client of the service; what goes wrong is one sentence."""
    import aiohttp

    from services.commands.demo.client import Client, Refused

    opened = _door(*context.obj)

    async def run() -> None:
        client = Client({ServiceName.CRISIS: opened.url}, opened.key)
        try:
            await step(client)
        finally:
            await client.close()

    try:
        asyncio.run(run())
    except Refused as error:
        raise fail(_said(error.status, error.problem)) from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise fail(
            f"crisis does not answer at {opened.url} ({error}): is it up, and is MOAT_CRISIS_URL right?"
        ) from None


def _door(url: str, key_file: Path | None, key: str | None) -> Door:
    if not key and key_file is not None:
        try:
            key = key_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise fail(f"the key cannot be read from {key_file}: {error.strerror}") from None
    if not key:
        raise fail("say who you are: put an API key into MOAT_API_KEY, or its file into MOAT_API_KEY_FILE")
    return Door(url, key)


async def _ask(client: "Client", path: str, body: Mapping[str, Any], limit: int) -> None:
    """Begin a job, watch it, and show what it found."""
    job = await client.post(ServiceName.CRISIS, path, body)
    typer.echo(f"job {job['id']}")
    await _watch(client, job["id"])
    await _list(client, job["id"], {}, limit)
    if not path.endswith("/approve"):
        typer.echo(f"nothing is changed yet; somebody else applies it with: moat sla approve {job['id']}")


async def _watch(client: "Client", job_id: str) -> None:
    shown = -1
    while (job := await client.get(ServiceName.CRISIS, f"/v1/jobs/{job_id}"))["state"] in _OPEN:
        if job["done"] != shown:
            shown = job["done"]
            typer.echo(
                f"{job['state']}: {shown} of {job['total'] if job['total'] is not None else '?'} cases", err=True
            )
        await asyncio.sleep(_EVERY)
    if job["state"] != "succeeded":
        raise fail(f"the job has {job['state']}: {(job['problem'] or {}).get('detail') or 'without a reason'}")
    result = {**dict.fromkeys(_COUNTS, 0), **job["result"]}
    counts = (f"{name} {count}" for name, count in result.items() if count or name in {"cases", "clocks"})
    typer.echo("  ".join(counts))


async def _list(client: "Client", job_id: str, wanted: Mapping[str, str], limit: int) -> None:
    query = f"?{urlencode(wanted)}" if wanted else ""
    found: list[dict[str, Any]] = []
    async for item in client.every(ServiceName.CRISIS, f"/v1/sla/recalculations/{job_id}/changes{query}"):
        if len(found) == limit:
            typer.echo(f"the first {limit}; all of them: moat sla changes {job_id}", err=True)
            break
        found.append(item)
    for line in table(found):
        typer.echo(line)


def table(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a job found, as lines of equal columns."""
    if not found:
        return ["no clock changes"]
    rows = [("CASE", "TARGET", "CYCLE", "OUTCOME", "BEFORE", "AFTER")]
    for item in found:
        sides = (_side(item["before"]), _side(item["after"]))
        rows.append((item["number"], item["target"], str(item["cycle"]), item["outcome"], *sides))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _side(reading: Mapping[str, Any] | None) -> str:
    if reading is None:
        return "-"
    version, due, breached, result = (reading[name] for name in _READING)
    broken = f", broken {breached}" if breached else ""
    return f"v{version} due {'held ' if reading['held'] else ''}{due} {result}{broken}"


def _said(status: int, problem: Any) -> str:
    """A problem in one sentence, with every field that is wrong."""
    if not isinstance(problem, Mapping):
        return f"crisis answered with {status}"
    if problem.get("missing_scopes"):
        return f"the key lacks the scope {', '.join(problem['missing_scopes'])}"
    errors = [f"{error.get('pointer') or '/'}: {error.get('detail')}" for error in problem.get("errors") or ()]
    return "; ".join(errors) or str(problem.get("detail") or problem.get("title") or f"crisis answered with {status}")
