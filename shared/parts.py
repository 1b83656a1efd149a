"""What a service stands on and what it brings: the two things that its composition root hands to `build_service`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from shared.bus.consumer import ConsumerSpec, topics_of_dead_letters
from shared.bus.port import TopicSpec
from shared.clock import Clock
from shared.contracts import TOPICS
from shared.db.database import Database
from shared.db.unit_of_work import UnitOfWork, UnitOfWorkFactory, unit_of_work_factory
from shared.documents.kind import DocumentKind
from shared.jobs.runner import Run
from shared.settings import ServiceSettings
from shared.timers.worker import Fire
from shared.web.app import About
from shared.web.quiescence import Agenda, Count
from shared.worker import Worker


@dataclass(frozen=True, slots=True)
class Foundation:
    """What a service's own parts are built on. `wakers` is told of work by the name that `UnitOfWork.touch` gave it."""

    name: str
    settings: ServiceSettings
    clock: Clock
    database: Database
    uow: UnitOfWorkFactory
    wakers: dict[str, Callable[[], None]]

    @classmethod
    def lay(cls, name: str, settings: ServiceSettings, *, clock: Clock | None = None) -> "Foundation":
        """Make clock, pool and transactions from settings; nothing is connected yet."""
        ticking = clock or settings.make_clock()
        database = Database(settings.database_url.get_secret_value(), pool_size=settings.pool_size, name=f"moat-{name}")
        wakers: dict[str, Callable[[], None]] = {}

        def wake(work: UnitOfWork) -> None:
            for touched in work.touched:
                waker = wakers.get(touched)
                if waker is not None:
                    waker()

        return cls(name, settings, ticking, database, unit_of_work_factory(database, ticking, wake=wake), wakers)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service brings: its routes, and what runs in its background.

    `documents` are its kinds of documents: their routes, and the activations that are planned. `presets` are documents
    to start with, `offered` those installed as drafts to choose from.
    `others` are counts that have to be 0 for the service to be quiet, `agendas` the same for what falls due by the
    clock; `jobs_scopes` are for reading and cancelling.
    """

    about: About
    routers: Sequence[APIRouter] = ()
    documents: Sequence[DocumentKind] = ()
    consumers: Sequence[ConsumerSpec] = ()
    timers: Mapping[str, Fire] = field(default_factory=dict)
    jobs: Mapping[str, Run] = field(default_factory=dict)
    workers: Sequence[Worker] = ()
    presets: Sequence[tuple[DocumentKind, Path]] = ()
    offered: Sequence[tuple[DocumentKind, Path]] = ()
    reachable: Mapping[type, Any] = field(default_factory=dict)
    others: Mapping[str, Count] = field(default_factory=dict)
    agendas: Mapping[str, Agenda] = field(default_factory=dict)
    jobs_scopes: tuple[str, str] | None = None
    topics: Sequence[TopicSpec] | None = None


def published_topics() -> list[TopicSpec]:
    """Every topic of the contracts."""
    return [
        TopicSpec(
            topic.name,
            partitions=topic.partitions,
            compacted=topic.compacted,
            retention_hours=None if topic.retention_days is None else topic.retention_days * 24,
        )
        for topic in TOPICS
    ]


def topics_of(parts: Parts) -> list[TopicSpec]:
    """Every topic of the contracts, and the dead letters of our groups."""
    dead = [TopicSpec(name, partitions=1, retention_hours=24 * 90) for name in topics_of_dead_letters(parts.consumers)]
    return [*(published_topics() if parts.topics is None else parts.topics), *dead]
