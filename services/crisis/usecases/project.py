"""Project what scoring tells of customers; another class changes the promises of an open case at once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from services.crisis.domain.aftermath import follow_up
from services.crisis.domain.books import Books
from services.crisis.domain.customer import ClassSource, Customer, with_class
from services.crisis.domain.grading import LATE_TIER, change_class
from services.crisis.domain.service_class import ServiceClass, is_better
from services.crisis.library import Library
from services.crisis.store.aliases import kin_of
from services.crisis.store.load import load_customers, load_open_files, load_projections
from services.crisis.store.save import save_customers
from services.crisis.usecases.session import finish, tools_for
from shared.contracts.scoring import CustomerSnapshot, TierChanged
from shared.db.unit_of_work import UnitOfWork

News = CustomerSnapshot | TierChanged


async def project(work: UnitOfWork, news: Iterable[News], *, library: Library) -> None:
    """Take over snapshots and tier changes, the higher version winning. The customers have to be locked."""
    told = list(news)
    before = await load_projections(work.raw, {one.customer_id for one in told})
    after = dict(before)
    for one in told:
        after[one.customer_id] = _taken_over(after[one.customer_id], one)
    changed = [customer for id_, customer in after.items() if customer != before[id_]]
    await save_customers(work, changed)
    if changed:
        await regrade(work, {customer.id for customer in changed}, library=library)


def _taken_over(known: Customer, one: News) -> Customer:
    match one:
        case CustomerSnapshot():
            # A tier change carries the same version as the snapshot that follows it and says less.
            return known if one.version < known.version else _from_snapshot(known, one)
        case TierChanged():
            return known if one.version <= known.version else _from_tier(known, one)


def _from_snapshot(known: Customer, snapshot: CustomerSnapshot) -> Customer:
    band = snapshot.revenue_at_risk
    named = replace(
        known,
        name=snapshot.name,
        segment=snapshot.segment,
        region=snapshot.region,
        account_manager=snapshot.account_manager,
        revenue_currency=None if band is None else band.currency,
        revenue_at_least=None if band is None else Decimal(band.at_least),
        risk_flags=tuple(snapshot.risk_flags),
    )
    return with_class(
        named,
        snapshot.service_class,
        source=snapshot.service_class_source,
        since=snapshot.as_of,
        version=snapshot.version,
    )


def _from_tier(known: Customer, change: TierChanged) -> Customer:
    named = replace(
        known,
        name=change.name,
        account_manager=change.account_manager,
        segment=change.segment,
        region=change.region,
        version=change.version,
    )
    if not change.primary:
        return named
    source: ClassSource = (
        "default" if change.to_tier is None else "override" if change.cause == "override" else "graded"
    )
    return with_class(named, change.service_class, source=source, since=change.effective_at, version=change.version)


async def regrade(work: UnitOfWork, ids: Collection[str], *, library: Library) -> None:
    """Serve open cases at the class that the basis of their policies names; what runs changes as those say.

    Those of these customers, under whichever of their ids; all of these have to be locked.
    """
    kin = await kin_of(work.raw, ids)
    rows = await work.raw.fetch(
        "select customer_id, service_class, provisional, opened_at, policy from crisis_case"
        " where status = 'open' and customer_id = any($1::text[])",
        list({*ids, *(one for group in kin.values() for one in group)}),
    )
    if not rows:
        return
    customers = await load_customers(work.raw, {row["customer_id"] for row in rows})
    books = await library.books(work.raw)
    await library.know_pins(work.raw, {row["policy"] for row in rows})
    wanted: dict[str, ServiceClass] = {}
    for row in rows:
        customer = customers[row["customer_id"]]
        is_late = row["provisional"] and customer.is_graded
        service_class = books.promises.changes(row["policy"]).class_from_now_on(
            row["service_class"],
            best=customer.best_class_since(row["opened_at"]),
            current=customer.service_class,
            is_late=is_late,
        )
        if is_late or service_class != row["service_class"]:
            wanted[customer.id] = service_class
    if wanted:
        await _serve(work, {id_: customers[id_] for id_ in wanted}, wanted, books, library)


async def _serve(
    work: UnitOfWork,
    customers: Mapping[str, Customer],
    wanted: Mapping[str, ServiceClass],
    books: Books,
    library: Library,
) -> None:
    files = await load_open_files(work.raw, customers, clocks_for=customers, events_of=lambda clock: clock.is_live)
    await library.know(work.raw, files.values())
    tools = tools_for(work, books, files.values())
    for id_, file in files.items():
        cause = "tier_raised" if is_better(wanted[id_], file.case.service_class) else "tier_lowered"
        if file.case.provisional and file.customer.is_graded:
            file.change(provisional=False)
            cause = LATE_TIER
        follow_up(file, change_class(file, books, tools, wanted[id_], cause=cause), books, tools)
    await finish(work, files.values(), books)
