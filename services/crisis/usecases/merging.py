"""Merging: customers that turned out to be one, and their cases, by a person's decision."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.crisis.domain.actions import ConflictOfInterest, Order
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.merging import merge
from services.crisis.domain.sla.records import FullClock
from services.crisis.library import Library
from services.crisis.store.aliases import aliases_of, kin_of, record_alias
from services.crisis.store.load import customer_of_case, load_file
from services.crisis.usecases.command import ClockFull, Expected, InterestConflict, NotInThisState
from services.crisis.usecases.session import finish, tools_for
from shared.contracts.errors import FieldError
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, NotFound, Unprocessable


class AnotherCustomer(Conflict):
    """The two cases are of customers who are not known to be one."""

    slug = "another-customer"
    zh = "两个个案属于不同客户，且尚未合并。"


class DrillAndReal(Conflict):
    """A drill and a real case never become one: drills are excluded from every figure."""

    slug = "drill-and-real"
    zh = "演练不能与真实个案合为一案。"


@dataclass(frozen=True, slots=True)
class MergeCases:
    """Let a case go up in another, and the version of it that the sender saw."""

    case_id: str
    into_case_id: str
    by: str
    reason: str
    expected: Expected


async def merge_cases(work: UnitOfWork, command: MergeCases, *, library: Library) -> CaseFile:
    """Do it and answer the case that went. Asked again, the same merge changes nothing.

    Raises NotFound, Unprocessable for an unknown other case or the case itself, PreconditionFailed for another version,
    NotInThisState with the state of the one that is in the wrong one, AnotherCustomer, DrillAndReal, InterestConflict,
    ClockFull.
    """
    source, target = await _locked(work, command)
    if source.case.merged_into == target.case.id:
        return source
    command.expected.check(source.case.version)
    for file in (source, target):
        _refuse_unless_open(file)
    await _refuse_others(work, source, target)
    books = await library.books(work.raw)
    await library.know(work.raw, [source, target])
    order = Order("merge", by=command.by, reason=command.reason)
    try:
        merge(source, target, order, books=books, tools=tools_for(work, books, [source, target]))
    except ConflictOfInterest as error:
        raise InterestConflict(str(error), **_state(source)) from None
    except FullClock as error:
        raise ClockFull(str(error), **_state(target)) from None
    await finish(work, [source, target], books)
    return source


async def _locked(work: UnitOfWork, command: MergeCases) -> tuple[CaseFile, CaseFile]:
    """Both case files, their customers locked in order."""
    if command.case_id == command.into_case_id:
        raise Unprocessable(errors=[FieldError("/into_case_id", "itself", "a case cannot be merged into itself")])
    mine = await customer_of_case(work.raw, command.case_id)
    if mine is None:
        raise NotFound(f"there is no case {command.case_id}")
    other = await customer_of_case(work.raw, command.into_case_id)
    if other is None:
        detail = f"there is no case {command.into_case_id}"
        raise Unprocessable(errors=[FieldError("/into_case_id", "unknown-case", detail)])
    await work.lock({mine, other})
    source = await load_file(work.raw, command.case_id)
    target = await load_file(work.raw, command.into_case_id)
    assert source is not None
    assert target is not None
    return source, target


def _refuse_unless_open(file: CaseFile) -> None:
    case = file.case
    if not case.is_open:
        went = f" into {case.merged_into}" if case.merged_into else ""
        raise NotInThisState(f"{case.number} is {case.status}{went}", **_state(file))


async def _refuse_others(work: UnitOfWork, source: CaseFile, target: CaseFile) -> None:
    mine, other = source.case.customer_id, target.case.customer_id
    aliases = await aliases_of(work.raw, [mine, other])
    if aliases.get(mine, mine) != aliases.get(other, other):
        raise AnotherCustomer(f"{mine} and {other} are not known to be one customer")
    if source.case.drill != target.case.drill:
        drill = source.case if source.case.drill else target.case
        raise DrillAndReal(f"{drill.number} is a drill")


def _state(file: CaseFile) -> dict[str, Any]:
    return {"state": file.case.stage, "version": file.case.version}


async def take_merged(work: UnitOfWork, merged: Iterable[tuple[str, str, datetime]]) -> None:
    """Take note of customers that are others from an instant on: (id, the one that remains, since). Both are locked."""
    for id_, into_id, since in merged:
        await record_alias(work.raw, id_, into_id, since)


async def also_locked(work: UnitOfWork, subjects: Collection[str]) -> Collection[str]:
    """The other ids of these customers: what is told of one may happen to the case of another."""
    return {one for group in (await kin_of(work.raw, subjects)).values() for one in group}
