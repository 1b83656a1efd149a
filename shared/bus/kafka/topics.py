"""Creating and verifying topics on Kafka."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.bus.kafka.cluster import Admin, Cluster, partitions_of
from shared.bus.port import BusUnavailable, TopicMismatch, TopicSpec

_HOUR_MS: Final = 3600 * 1000
_APPEAR_SECONDS: Final = 15.0


async def ensure_topics(cluster: Cluster, specs: Sequence[TopicSpec], *, replication_factor: int | None) -> None:
    """Create what is missing and verify what is there; any number of processes may do so at once.

    Raises TopicMismatch.
    """
    names = [spec.name for spec in specs]
    if not names:
        return
    existing = await cluster.ask(lambda admin: partitions_of(admin, names))
    missing = [spec for spec in specs if spec.name not in existing]
    if missing:
        copies = await cluster.ask(_default_copies) if replication_factor is None else replication_factor
        await cluster.ask(partial(_create, specs=missing, copies=copies))
        existing |= await _appeared(cluster, [spec.name for spec in missing])
    configs = await cluster.ask(lambda admin: _cleanup_policies(admin, names))
    for spec in specs:
        _verify(spec, partitions=existing[spec.name], policy=configs[spec.name])


def _verify(spec: TopicSpec, *, partitions: int, policy: str) -> None:
    if partitions != spec.partitions:
        raise TopicMismatch(
            f"Topic {spec.name} has {partitions} partitions but {spec.partitions} are needed: "
            "make a topic of another name and migrate to it, for changing the number would break the order per key"
        )
    needed = _policy(spec)
    if policy != needed:
        raise TopicMismatch(
            f"Topic {spec.name} has cleanup.policy={policy} but {needed} is needed: run kafka-configs.sh --alter "
            f"--entity-type topics --entity-name {spec.name} --add-config cleanup.policy={needed}"
        )


def _policy(spec: TopicSpec) -> str:
    return "compact" if spec.compacted else "delete"


async def _create(admin: Admin, *, specs: Sequence[TopicSpec], copies: int) -> None:
    answer = await admin.create_topics(
        [NewTopic(spec.name, spec.partitions, copies, topic_configs=_settings(spec, copies=copies)) for spec in specs]
    )
    for topic, code, *message in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:  # another process was faster: it is verified all the same
            raise error(f"Topic {topic} could not be created: {message}")


def _settings(spec: TopicSpec, *, copies: int) -> dict[str, str]:
    settings = {
        "cleanup.policy": _policy(spec),
        "message.timestamp.type": "CreateTime",
        "unclean.leader.election.enable": "false",
    }
    if not spec.compacted:
        settings["retention.ms"] = "-1" if spec.retention_hours is None else str(spec.retention_hours * _HOUR_MS)
    if copies >= 3:
        settings["min.insync.replicas"] = "2"
    return settings


async def _appeared(cluster: Cluster, names: Sequence[str]) -> dict[str, int]:
    """Wait until new topics are known: for a moment after their creation brokers may deny it."""
    until = time.monotonic() + _APPEAR_SECONDS
    while True:
        found = await cluster.ask(lambda admin: partitions_of(admin, names))
        if len(found) == len(set(names)):
            return found
        if time.monotonic() > until:
            raise BusUnavailable(f"Kafka created {min(set(names) - found.keys())} but does not show it")
        await asyncio.sleep(0.05)


async def _cleanup_policies(admin: Admin, names: Sequence[str]) -> dict[str, str]:
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, configs={"cleanup.policy": None}) for name in names]
    return {name: values["cleanup.policy"] for name, values in (await _describe(admin, asked)).items()}


async def _default_copies(admin: Admin) -> int:
    broker = (await admin.describe_cluster())["brokers"][0]["node_id"]
    asked = ConfigResource(ConfigResourceType.BROKER, str(broker), configs={"default.replication.factor": None})
    (values,) = (await _describe(admin, [asked])).values()
    return int(values["default.replication.factor"])


async def _describe(admin: Admin, asked: list[ConfigResource]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for response in await admin.describe_configs(asked):
        for code, message, _type, name, entries in response.resources:
            if code:
                raise for_code(code)(message)
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found
