"""What the use cases share: tools for decisions, numbers for new cases, and the one way in which files are written."""

import os
from collections.abc import Collection, Iterable, Iterator

from services.crisis.domain.books import Books
from services.crisis.domain.casefile import CaseFile, Tools
from services.crisis.publishing import publish_files
from services.crisis.store.save import save_files
from services.crisis.usecases.rederive_timers import plan_where_overtaken
from shared.db.unit_of_work import UnitOfWork
from shared.ids import new_id

_SALT_BYTES = 16


def tools_for(work: UnitOfWork, books: Books, files: Iterable[CaseFile] = ()) -> Tools:
    """What decisions need from outside, at the transaction's instant.

    `files` are those that will be decided about: nothing happens to a case before what was written down last, even
    where another replica, whose clock goes ahead, wrote it. Else a breach told a moment ago would be taken back.
    """
    for file in files:
        if file.recorded_at is not None:
            work.not_before(file.recorded_at)
    return Tools(now=work.now, promises=books.promises, new_id=new_id, new_salt=_new_salt)


async def case_numbers(work: UnitOfWork, count: int) -> Iterator[str]:
    """Numbers for up to `count` new cases, like CR-2026-000117; one that is not used stays a gap."""
    if count == 0:
        return iter(())
    rows = await work.raw.fetch("select nextval('case_number') as number from generate_series(1, $1::int)", count)
    return iter([f"CR-{work.now.year}-{row['number']:06d}" for row in rows])


async def finish(work: UnitOfWork, files: Iterable[CaseFile], books: Books) -> None:
    """Write files and publish what happened in them."""
    written = list(files)
    await plan_where_overtaken(work, written, books.promises)
    await save_and_publish(work, written)


async def save_and_publish(work: UnitOfWork, files: Collection[CaseFile]) -> None:
    """`finish` without a look at calendars that were published meanwhile."""
    await save_files(work, files)
    publish_files(work, files)


def _new_salt() -> str:
    return os.urandom(_SALT_BYTES).hex()
