"""Logs: one event name and its fields per line, JSON or for the console, with personal data masked.

Instants are RFC 3339 in UTC and real time, whatever the business clock says. What other libraries log through the
standard library takes the same road.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, Literal

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from shared.observability import tracing
from shared.observability.leftovers import lower_leftovers

_log = structlog.get_logger("http")
REQUEST_ID: ContextVar[str | None] = ContextVar("moat_request_id", default=None)

_PERSONAL: Final = frozenset(
    {"name", "full_name", "display_name", "contact", "contact_name", "customer_name", "person_name", "recipient"}
    | {"phone", "mobile", "tel", "telephone", "email", "mail", "to", "address", "street", "wechat", "open_id"}
    | {"id_number", "id_card", "identity_card", "passport", "bank_account", "birthday", "birth_date"}
    | {"text", "body", "content", "subject_line"}
)
_EXACT: Final = frozenset(
    {"password", "secret", "token", "authorization", "api_key", "credential", "plain_key", "cookie"}
)
_PHONE: Final = re.compile(r"(?<![A-Za-z0-9.])(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?![A-Za-z0-9])")
_MAIL: Final = re.compile(r"([A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]*@([A-Za-z0-9.\-]+\.[A-Za-z]{2,})")
_IDENTITY: Final = re.compile(r"(?<![A-Za-z0-9.])(\d{3})\d{11}(\d{3}[\dXx])(?![A-Za-z0-9])")
_PASSWORD_IN_URL: Final = re.compile(r"(://[^:/@\s]*:)[^@/\s]+@")
_SIGNED_LINK: Final = re.compile(r"(/acks/)[A-Za-z0-9_\-]+")
_MAY_HOLD: Final = re.compile(r"@|\d{3}|/acks/").search
_DEPTH: Final = 4


def mask_text(text: str) -> str:
    """`text` with mobile numbers, mail addresses, identity numbers, passwords in URLs and signed links masked."""
    if not _MAY_HOLD(text):
        return text
    text = _PASSWORD_IN_URL.sub(r"\1***@", text)
    text = _SIGNED_LINK.sub(r"\1***", text)
    text = _MAIL.sub(r"\1***@\2", text)
    text = _IDENTITY.sub(r"\1***********\2", text)
    return _PHONE.sub(r"\1****\3", text)


def mask_name(name: str) -> str:
    """A person's name as its first character: `张三丰` becomes `张**`."""
    return name[:1] + "*" * min(len(name) - 1, 8)


def mask_field(name: str, value: Any, depth: int = 0) -> Any:
    """`value` as the field `name` may be logged."""
    plain = name.lower()
    if plain in _EXACT:
        return "***"
    if isinstance(value, str):
        masked = mask_text(value)
        return mask_name(value) if plain in _PERSONAL and masked == value else masked
    if depth >= _DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {str(key): mask_field(str(key), inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask_field(name, inner, depth + 1) for inner in value]
    return value


def masked(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The structlog processor that masks every field but the event's own name."""
    for name, value in event.items():
        if type(value) not in _HARMLESS and name not in _OWN:
            event[name] = mask_field(name, value)
    return event


_HARMLESS: Final = frozenset({int, float, bool, type(None)})
_OWN: Final = frozenset({"level", "timestamp", "logger", "trace_id", "span_id", "request_id"})


def in_context(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add the request and the trace that we are in."""
    request_id = REQUEST_ID.get()
    if request_id is not None:
        event["request_id"] = request_id
    trace = tracing.current()
    if trace is not None:
        event["trace_id"] = trace.trace_id
        event["span_id"] = trace.span_id
    return event


class _Lines:
    """Where frequent lines go that have nothing to mask: straight out, at a third of the usual cost."""

    service = ""
    direct = False
    wanted = True


def write_line(event: str, fields: dict[str, Any]) -> None:
    """Log one event at level info, whose fields the caller answers for."""
    if not _Lines.wanted:
        return
    if not _Lines.direct:
        _log.info(event, **fields)
        return
    line = {"event": event, "level": "info", "timestamp": datetime.now(UTC).isoformat(), **fields}
    line["request_id"] = REQUEST_ID.get()
    trace = tracing.current()
    if trace is not None:
        line["trace_id"] = trace.trace_id
    line["service"] = _Lines.service
    sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()


def configure(*, format: Literal["json", "console"], level: str, service: str) -> None:  # noqa: A002 - the setting's name
    """Set up logging for the process: structlog and the standard library, both to standard output."""
    number = logging.getLevelNamesMapping()[level.upper()]
    _Lines.service, _Lines.direct, _Lines.wanted = service, format == "json", number <= logging.INFO
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        in_context,
    ]
    as_text = _json(service) if format == "json" else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    traceback = [structlog.processors.format_exc_info] if format == "json" else []
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *traceback, masked, as_text],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for noisy in ("uvicorn.access", "aiokafka", "alembic", "asyncio", "sqlalchemy"):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))
    lower_leftovers()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=True,
    )


def _json(service: str) -> Any:
    def render(_: WrappedLogger, __: str, event: MutableMapping[str, Any]) -> str:
        event["service"] = service
        return orjson.dumps(event, default=str).decode()

    return render
