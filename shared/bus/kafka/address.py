"""What a `kafka://` url says, and what aiokafka is told because of it.

`kafka://[user@]host:port,host:port?security_protocol=SASL_SSL&sasl_mechanism=SCRAM-SHA-512&ssl_cafile=/path/ca.pem`

Secrets never stand in the url: MOAT_KAFKA_SASL_PASSWORD, MOAT_KAFKA_SSL_KEY_PASSWORD and MOAT_KAFKA_OAUTH_TOKEN, or the
same names with `_FILE` and the path of a file that holds the value.
"""

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from aiokafka.abc import AbstractTokenProvider
from aiokafka.helpers import create_ssl_context

_PORT: Final = 9092
_PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
_COMPRESSIONS: Final = ("none", "gzip", "lz4", "snappy", "zstd")
_SECURITY: Final = ("security_protocol", "sasl_mechanism", "ssl_cafile", "ssl_certfile", "ssl_keyfile")
_OURS: Final[dict[str, Callable[[str], Any]]] = {
    "session_timeout_ms": int,
    "stall_seconds": float,
    "publish_seconds": float,
    "replication_factor": int,
    "compression_type": str,
    "group_instance_id": str,
}


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """Where and how to reach the cluster. `connection` holds secrets and is kept out of what is printed.

    `replication_factor` None: the broker's default. `group_instance_id`: static membership, for a replica whose name
    outlives its restarts. `stall_seconds`: without progress for that long while there is lag, a consumer is made anew.
    """

    bootstrap: tuple[str, ...]
    client_id: str
    connection: Mapping[str, Any] = field(repr=False)
    session_timeout_ms: int = 30_000
    stall_seconds: float = 60.0
    publish_seconds: float = 30.0
    replication_factor: int | None = None
    compression_type: str | None = "zstd"
    group_instance_id: str | None = None

    @classmethod
    def parse(cls, url: str, *, client_id: str, environment: Mapping[str, str] | None = None) -> "KafkaAddress":
        """Read a url; raises ValueError with a sentence that names what is wrong."""
        environment = os.environ if environment is None else environment
        parts = urlsplit(url)
        userinfo, _, hosts = parts.netloc.rpartition("@")
        if ":" in userinfo:
            raise ValueError("A kafka:// url must not hold a password: put it into MOAT_KAFKA_SASL_PASSWORD[_FILE]")
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        unknown = sorted(options.keys() - _OURS.keys() - set(_SECURITY))
        if unknown:
            raise ValueError(
                f"A kafka:// url has no option {unknown[0]!r}; there are {', '.join([*_SECURITY, *_OURS])}"
            )
        given = {name: _typed(name, options[name]) for name in _OURS if name in options}
        if "compression_type" in given:
            _one_of("compression_type", given["compression_type"], _COMPRESSIONS)
            if given["compression_type"] == "none":
                given["compression_type"] = None
        return cls(
            bootstrap=tuple(_with_port(host) for host in hosts.split(",")),
            client_id=client_id,
            connection=_security(options, user=unquote(userinfo) or None, environment=environment),
            **given,
        )

    def client(self) -> dict[str, Any]:
        """Arguments of every aiokafka client."""
        return {
            "bootstrap_servers": list(self.bootstrap),
            "client_id": self.client_id,
            "retry_backoff_ms": 100,
            **self.connection,
        }


class FileToken(AbstractTokenProvider):  # type: ignore[misc]
    """An OAUTHBEARER token from a file that something else keeps fresh, or from the environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    async def token(self) -> str:
        """The token as it is now; raises ValueError when there is none."""
        return _secret("MOAT_KAFKA_OAUTH_TOKEN", self._environment, needed_for="sasl_mechanism=OAUTHBEARER")


def _typed(name: str, value: str) -> Any:
    try:
        return _OURS[name](value)
    except ValueError as error:
        raise ValueError(f"{name} of the kafka:// url must be a number, not {value!r}") from error


def _with_port(host: str) -> str:
    if not host:
        raise ValueError("A kafka:// url needs a host: kafka://host:9092")
    return host if ":" in host.rpartition("]")[2] else f"{host}:{_PORT}"


def _security(options: Mapping[str, str], *, user: str | None, environment: Mapping[str, str]) -> dict[str, Any]:
    protocol = _one_of("security_protocol", options.get("security_protocol", "PLAINTEXT"), _PROTOCOLS)
    found: dict[str, Any] = {"security_protocol": protocol}
    if protocol.endswith("SSL"):
        found["ssl_context"] = _tls(options, environment)
    if not protocol.startswith("SASL"):
        return found
    mechanism = _one_of("sasl_mechanism", options.get("sasl_mechanism", "SCRAM-SHA-512"), _MECHANISMS)
    found["sasl_mechanism"] = mechanism
    if mechanism == "OAUTHBEARER":
        found["sasl_oauth_token_provider"] = FileToken(environment)
    else:
        found["sasl_plain_username"] = user or environment.get("MOAT_KAFKA_SASL_USERNAME")
        if not found["sasl_plain_username"]:
            raise ValueError(f"{mechanism} needs a user: kafka://user@host:port or MOAT_KAFKA_SASL_USERNAME")
        found["sasl_plain_password"] = _secret(
            "MOAT_KAFKA_SASL_PASSWORD", environment, needed_for=f"sasl_mechanism={mechanism}"
        )
    return found


def _tls(options: Mapping[str, str], environment: Mapping[str, str]) -> ssl.SSLContext:
    for name in ("ssl_cafile", "ssl_certfile", "ssl_keyfile"):
        if name in options and not Path(options[name]).is_file():
            raise ValueError(f"{name}={options[name]} of the kafka:// url is not a file")
    password = None
    if "ssl_keyfile" in options:
        password = _optional_secret("MOAT_KAFKA_SSL_KEY_PASSWORD", environment)
    context: ssl.SSLContext = create_ssl_context(
        cafile=options.get("ssl_cafile"),
        certfile=options.get("ssl_certfile"),
        keyfile=options.get("ssl_keyfile"),
        password=password,
    )
    return context


def _secret(name: str, environment: Mapping[str, str], *, needed_for: str) -> str:
    value = _optional_secret(name, environment)
    if not value:
        raise ValueError(f"{needed_for} needs {name}, or {name}_FILE with the path of a file that holds it")
    return value


def _optional_secret(name: str, environment: Mapping[str, str]) -> str | None:
    if name in environment:
        return environment[name]
    path = environment.get(f"{name}_FILE")
    return Path(path).read_text(encoding="utf-8").strip() if path else None


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")
    return value
