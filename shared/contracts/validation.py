"""From an envelope to its typed payload, and from a typed payload to an envelope."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from shared.contracts.base import Payload
from shared.contracts.catalogue import registry
from shared.contracts.envelope import CloudEvent, require_sound
from shared.contracts.errors import ContractError, FieldError, pointer_of, rule_of, words_of

TOLERATED_LEAD = timedelta(minutes=5)
"""How far ahead of the clock a fact may lie: clocks of other systems are never quite ours."""
MAX_ERRORS = 20


def validate(event: CloudEvent) -> Payload:
    """The typed payload. Raises `UnknownType`, or `ContractError` naming each field and rule that is broken."""
    entry = registry[event.type]
    try:
        payload = entry.model.__pydantic_validator__.validate_python(event.data)
        payload.check_subject(event.subject)
    except ValidationError as error:
        raise ContractError(_field_errors(error, entry.model)) from None
    except PydanticCustomError as error:
        field = (error.context or {}).get("field")
        raise ContractError.at(f"/data/{field}" if field else "/data", error.type, error.message()) from None
    return payload  # type: ignore[no-any-return] # the validator of a Payload subclass


def event_of(
    payload: Payload,
    *,
    id: str,  # noqa: A002 - the attribute's own name
    source: str,
    subject: str,
    time: datetime,
    sequence: int | None = None,
    traceparent: str | None = None,
) -> CloudEvent:
    """The envelope around a payload, with the type and data schema that belong to it; `time` is when it happened."""
    entry = registry.of_model(type(payload))
    event = CloudEvent(
        id=id,
        source=source,
        type=entry.type,
        subject=subject,
        time=time,
        data=payload.to_data(),
        sequence=sequence,
        traceparent=traceparent,
        dataschema=entry.dataschema,
    )
    return require_sound(event)


def refuse_future(event: CloudEvent, payload: Payload, *, now: datetime) -> None:
    """Raise `ContractError` for a fact over five minutes ahead of the clock, by its envelope or its own field."""
    latest = now + TOLERATED_LEAD
    instants = {"/time": event.time}
    if payload.happened is not None:
        instants[f"/data/{payload.happened}"] = getattr(payload, payload.happened)
    errors = [
        FieldError(pointer, "future", "more than five minutes ahead of the clock")
        for pointer, instant in instants.items()
        if instant is not None and instant > latest
    ]
    if errors:
        raise ContractError(errors)


def topic_of(type_: str) -> str:
    """The topic on which events of this type travel; raises `UnknownType`."""
    return registry[type_].topic


def _field_errors(error: ValidationError, model: type[Payload]) -> Iterator[FieldError]:
    for problem in error.errors(include_url=False, include_input=False)[:MAX_ERRORS]:
        path = (*_places(problem["loc"]), *_named_field(problem.get("ctx")))
        rule = rule_of(problem["type"])
        detail = words_of(problem) + _instance(model, path, rule)
        yield FieldError("/data" + pointer_of(path), rule, detail)


def _named_field(context: dict[str, Any] | None) -> tuple[str, ...]:
    """The field that a rule about several fields points at."""
    field = (context or {}).get("field")
    return tuple(str(field).split("/")) if field else ()


def _places(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The location without Pydantic's own words for the branches of a union, which are no places in the document."""
    return tuple(step for step in loc if not (isinstance(step, str) and (step in _BRANCHES or "[" in step)))


_BRANCHES = frozenset({"str", "int", "float", "bool", "dict", "list", "constrained-str", "constrained-int"})


def _instance(model: type[Payload], path: tuple[int | str, ...], rule: str) -> str:
    """What the published example has in that place, where the rule alone does not say what would be right."""
    extra = model.model_config.get("json_schema_extra")
    if rule not in {"required", "type", "pattern", "choice"} or not isinstance(extra, dict):
        return ""
    examples: Any = extra.get("examples")
    found = examples[0] if examples else None
    for step in path:
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            return ""
    return "" if found is None else f"; for example {found!r}"
