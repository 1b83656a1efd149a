"""Commands by people: one transaction each, the customer locked first, the version compared."""

from dataclasses import dataclass
from typing import Any, Protocol

from services.crisis.domain.actions import ConflictOfInterest, Order, Refused, WrongField, perform
from services.crisis.domain.casefile import CaseFile
from services.crisis.domain.sla.records import FullClock
from services.crisis.library import Library
from services.crisis.store.load import customer_of_case, load_file
from services.crisis.store.merges import survivors_of
from services.crisis.usecases.session import finish, tools_for
from shared.contracts.errors import FieldError
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, NotFound, Unprocessable


class NotInThisState(Conflict):
    """The case is not in a state that allows this."""

    slug = "case-state"
    zh = "个案当前的状态不允许此操作。"


class ClockFull(Conflict):
    """A clock of the case has taken as many events as it may: it can be stopped, not paused or begun again."""

    slug = "clock-full"
    zh = "该承诺时钟的事件数已达上限，只能停止，不能再暂停或重启。"


class InterestConflict(Conflict):
    """The person complained about can neither own nor judge the case."""

    slug = "conflict-of-interest"
    zh = "被投诉人不得负责或裁定该个案。"


class AnotherCaseIsOpen(Conflict):
    """The customer already has another open case."""

    slug = "another-case-open"
    zh = "该客户已有另一个未关闭的个案。"


class Expected(Protocol):
    """The versions that the sender of a command accepts."""

    def check(self, version: int | str, /) -> None:
        """Raise PreconditionFailed for another version."""


@dataclass(frozen=True, slots=True)
class Command:
    """An order for a case, and the version that its sender saw."""

    case_id: str
    order: Order
    expected: Expected


async def carry_out(work: UnitOfWork, command: Command, *, library: Library) -> CaseFile:
    """Do it and answer the case as it then stands.

    Raises NotFound, NotInThisState for a case that was merged (with the one that goes on), PreconditionFailed for
    another version, NotInThisState (with the current state and version),
    InterestConflict, AnotherCaseIsOpen, ClockFull, or Unprocessable for what is not right in the order itself.
    """
    file = await locked_file(work, command.case_id)
    await _refuse_merged(work, file)
    command.expected.check(file.case.version)
    await _refuse_second(work, file, command.order)
    books = await library.books(work.raw)
    await library.know(work.raw, [file])
    state = _state(file)
    try:
        perform(file, command.order, books=books, tools=tools_for(work, books, [file]))
    except ConflictOfInterest as error:
        raise InterestConflict(str(error), **state) from None
    except Refused as error:
        raise NotInThisState(str(error), **state) from None
    except FullClock as error:
        raise ClockFull(str(error), **state) from None
    except WrongField as error:
        raise Unprocessable(errors=[FieldError(error.pointer, error.rule, str(error))]) from None
    await finish(work, [file], books)
    return file


async def locked_file(work: UnitOfWork, case_id: str) -> CaseFile:
    """The case file, its customer locked; raises NotFound."""
    customer = await customer_of_case(work.raw, case_id)
    if customer is None:
        raise NotFound(f"there is no case {case_id}")
    await work.lock([customer])
    file = await load_file(work.raw, case_id)
    assert file is not None
    return file


async def _refuse_merged(work: UnitOfWork, file: CaseFile) -> None:
    """Say which case goes on for one that was merged."""
    case = file.case
    heir = (await survivors_of(work.raw, [case.id])).get(case.id) if case.merged_into is not None else None
    if heir is not None:
        raise NotInThisState(
            f"{case.number} was merged into {heir.number}: act on that one", merged_into=heir.link, **_state(file)
        )


async def _refuse_second(work: UnitOfWork, file: CaseFile, order: Order) -> None:
    if order.action != "reopen" or file.case.is_open:
        return
    other = await work.raw.fetchrow(
        "select id, number from crisis_case where customer_id = $1 and status = 'open'", file.case.customer_id
    )
    if other is not None:
        raise AnotherCaseIsOpen(f"{other['number']} is open; work on that one", case_id=other["id"], **_state(file))


def _state(file: CaseFile) -> dict[str, Any]:
    return {"state": file.case.stage, "version": file.case.version}
