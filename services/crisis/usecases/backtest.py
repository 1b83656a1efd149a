"""Trying a policy on past cases: loaded in a transaction, folded outside of it, nothing written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from services.crisis.documents.compiling import SLA_POLICY, applies_of, parse_sla_policy
from services.crisis.domain.backtest import Backtest, backtest
from services.crisis.domain.books import Applies
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.sla.pins import Promises
from services.crisis.library import Library
from services.crisis.store.load import load_files
from shared.db.unit_of_work import UnitOfWork
from shared.documents import store

MOST: Final = 1000
"""Cases that are tried at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which cases: the last `most` that were opened in the period, of those that the policy is for."""

    most: int
    opened_from: datetime | None = None
    opened_to: datetime | None = None
    service_classes: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a trial needs; nothing more is asked of the database. `there_are_more` cases than were loaded."""

    pin: str
    files: Sequence[CaseFile]
    there_are_more: bool
    promises: Promises
    at: datetime

    def tried(self) -> Backtest:
        """The cases folded as they are and by the policy."""
        return backtest((clock for file in self.files for clock in file.clocks), self.pin, self.promises, self.at)

    @property
    def targets(self) -> Sequence[str]:
        """What the policy promises."""
        return list(self.promises.policies[self.pin].targets)


async def load_for_trial(work: UnitOfWork, key: str, version: int, asked: Asked, *, library: Library) -> Loaded:
    """The policy's version, draft or not, and the cases. Raises NotFound, InvalidDocument for a draft that is wrong."""
    stored = await store.pinned(work.raw, SLA_POLICY, key, version)
    document = parse_sla_policy({**stored.body, "key": key})
    ids = await _cases(work.raw, applies_of(document), asked)
    files = await load_files(work.raw, ids[: asked.most])
    await library.know(work.raw, files)
    pin, promises = await library.on_trial(work.raw, document, version)
    return Loaded(pin, files, len(ids) > asked.most, promises, work.now)


async def _cases(raw: "asyncpg.Connection[asyncpg.Record]", applies: Applies, asked: Asked) -> list[str]:
    """The newest first, one more than asked for where there are more. Drills and dismissed cases are in no figure."""
    terms = ["status in ('open', 'closed')", "not drill"]
    values: list[Any] = []
    for column, operator, value in (
        ("opened_at", ">=", asked.opened_from),
        ("opened_at", "<", asked.opened_to),
    ):
        if value is not None:
            values.append(value)
            terms.append(f"{column} {operator} ${len(values)}")
    for column, listed in (
        ("service_class", applies.service_classes),
        ("service_class", asked.service_classes),
        ("type", applies.case_types),
        ("severity", applies.severities),
        ("segment", applies.segments),
        ("channel", applies.channels),
        ("regime", applies.regimes),
    ):
        if listed is not None:
            values.append(list(listed))
            terms.append(f"{column} = any(${len(values)}::text[])")
    rows = await raw.fetch(
        f"select id from crisis_case where {' and '.join(terms)} order by opened_at desc, id desc"  # noqa: S608 - our terms
        f" limit {int(asked.most) + 1}",
        *values,
    )
    return [row["id"] for row in rows]
