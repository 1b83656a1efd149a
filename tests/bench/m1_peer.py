"""The peer of M1: facts handled by the ORM, a session and a transaction for each message, with the same effects."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import func, literal_column, select

from services.scoring.domain.bands import band_of
from services.scoring.domain.standing import Change, Verdict
from services.scoring.publishing import CUSTOMERS, TIERS, snapshot, snapshot_fields, tier_changed
from services.scoring.store.customers import CustomerState, Published
from services.scoring.store.standings import Entry
from shared.clock import SystemClock
from shared.contracts import decode, minor_units, refuse_future, validate
from tests.bench.orm import Orm, outbox_row

MODEL = "rfm-lifecycle"
_ZONE = ZoneInfo("Asia/Shanghai")
_TIERS = {"core": (1, "strategic"), "potential": (2, "key"), "general": (3, "standard"), "churn_risk": (4, "basic")}
_POINTS = {"high": 5, "medium": 3, "low": 1}
_INDICATORS = ("days_since_last_purchase", "purchases_90d", "spend_365d")


class PerMessage:
    """The handler. It reads and writes the very tables that scoring has."""

    def __init__(self, orm: Orm, model_version: int) -> None:
        self._orm = orm
        self._version = model_version
        self._clock = SystemClock()

    async def prepare(self) -> None:
        classes = await self._orm.reflect(
            subject=(),
            fact=(),
            purchase=("customer_id", "order_id"),
            refund=("customer_id", "order_id", "refunded_at"),
            customer=(),
            customer_state=(),
            standing=(),
            tier_history=(),
            outbox=(),
        )
        (
            self.Subject, self.Fact, self.Purchase, self.Refund, self.Customer, self.State, self.Standing, self.History,
            self.Outbox,
        ) = classes  # fmt: skip

    async def __call__(self, message: Any) -> None:
        event = decode(message.key, message.value, message.headers)
        order = validate(event)
        now = self._clock.now()
        refuse_future(event, order, now=now)
        async with self._orm.sessions() as session, session.begin():
            subject = await session.get(self.Subject, event.subject, with_for_update=True)
            if subject is None:
                subject = self.Subject(id=event.subject, sequence=0)
                session.add(subject)
            if await session.get(self.Fact, (event.source, event.id)) is not None:
                return
            session.add(
                self.Fact(
                    source=event.source,
                    event_id=event.id,
                    type=event.type,
                    customer_id=event.subject,
                    occurred_at=order.placed_at,
                    received_at=now,
                    body=msgspec.json.encode(event.data).decode(),
                )
            )
            await self._upsert_order(session, event, order)
            customer = await session.get(self.Customer, event.subject)
            if customer is None:
                customer = self.Customer(id=event.subject, first_seen_at=now)
                session.add_all([customer, self.State(customer_id=event.subject, version=0)])
            await session.flush()
            await self._regrade(session, subject, customer, now)

    async def _upsert_order(self, session: Any, event: Any, order: Any) -> None:
        known = await session.get(self.Purchase, (event.subject, order.order_id))
        if known is not None and known.told_at >= event.time:
            return
        purchase = known or self.Purchase(customer_id=event.subject, order_id=order.order_id)
        purchase.told_at, purchase.placed_at = event.time, order.placed_at
        purchase.currency, purchase.amount = order.currency, minor_units(order.amount, order.currency)
        session.add(purchase)

    async def _regrade(self, session: Any, subject: Any, customer: Any, now: datetime) -> None:
        metrics = await self._metrics(session, customer, now)
        bands, points = _bands(metrics)
        tier = _tier(points, _stage(metrics))
        rank, service_class = _TIERS[tier]
        standing = await session.get(self.Standing, (customer.id, MODEL))
        before = None
        if standing is not None:
            before = Verdict(
                MODEL, standing.model_version, standing.state, standing.tier, standing.rank, standing.service_class
            )
        after = Verdict(MODEL, self._version, "graded", tier, rank, service_class)
        changed = before is None or (before.tier, before.service_class) != (tier, service_class)
        if standing is None:
            standing = self.Standing(customer_id=customer.id, model=MODEL, graded_before=True)
        standing.model_version, standing.state, standing.tier = self._version, "graded", tier
        standing.rank, standing.service_class = rank, service_class
        standing.next_change_at = _next_look(metrics, now)
        entry = None
        if changed:
            standing.effective_at = standing.computed_at = now
            standing.cause = "data"
            entry, standing.history_id = await self._write_history(session, customer, before, after, bands, points, now)
        session.add(standing)
        state = await session.get(self.State, customer.id)
        self._tell(session, subject, customer, state, entry, after, metrics["spend_365d"], now)

    async def _metrics(self, session: Any, customer: Any, now: datetime) -> dict[str, Any]:
        """The metrics of rfm-lifecycle, refunds taken off, in one query of the ORM."""
        order, refund = self.Purchase, self.Refund
        refunded = (
            select(refund.order_id, func.sum(refund.amount).label("amount"))
            .where(refund.customer_id == customer.id, refund.refunded_at <= now)
            .group_by(refund.order_id)
            .subquery()
        )
        net = order.amount - func.coalesce(refunded.c.amount, 0)
        starts = {lag: _day_start(now, lag) for lag in (90, 180, 365)}
        placed = order.placed_at
        row = (
            await session.execute(
                select(
                    func.max(placed),
                    func.min(placed),
                    func.count().filter(placed >= starts[90]),
                    func.coalesce(func.sum(net).filter(placed >= starts[90]), 0),
                    func.coalesce(func.sum(net).filter(placed >= starts[180], placed < starts[90]), 0),
                    func.coalesce(func.sum(net).filter(placed >= starts[365]), 0),
                )
                .outerjoin(refunded, refunded.c.order_id == order.order_id)
                .where(order.customer_id == customer.id, placed <= now)
                .where((refunded.c.amount.is_(None)) | (refunded.c.amount < order.amount))
            )
        ).one()
        today = now.astimezone(_ZONE).date()
        return {
            "today": today,
            "last_day": row[0].astimezone(_ZONE).date(),
            "days_since_last_purchase": (today - row[0].astimezone(_ZONE).date()).days,
            "customer_age_days": (today - (customer.since or row[1].astimezone(_ZONE).date())).days,
            "purchases_90d": row[2],
            "spend_90d": int(row[3]),
            "spend_90d_prev": int(row[4]),
            "spend_365d": int(row[5]),
        }

    async def _write_history(
        self, session: Any, customer: Any, before: Any, after: Any, bands: Any, points: int, now: datetime
    ) -> tuple[Entry, int]:
        old_bands: dict[str, Any] = {}
        if before is not None:
            forever = self.History.valid_to == literal_column("'infinity'::timestamptz")
            old = (
                await session.scalars(
                    select(self.History).where(
                        self.History.customer_id == customer.id, self.History.model == MODEL, forever
                    )
                )
            ).one()
            old.valid_to, old_bands = now, old.bands
        direction = "initial" if before is None else "upgrade" if after.rank < before.rank else "downgrade"
        entry = self.History(
            customer_id=customer.id,
            model=MODEL,
            model_version=after.version,
            state=after.state,
            tier=after.tier,
            rank=after.rank,
            service_class=after.service_class,
            from_tier=before.tier if before else None,
            direction=direction,
            cause="data",
            score_num=points,
            score_den=1,
            bands=bands,
            valid_from=now,
            recorded_at=now,
        )
        session.add(entry)
        await session.flush()
        made = Entry(
            customer.id, Change(before, after, direction, "data"), (points, 1), (15, 1), bands, old_bands, None
        )
        return made, entry.id

    def _tell(
        self,
        session: Any,
        subject: Any,
        customer: Any,
        told: Any,
        entry: Any,
        after: Verdict,
        revenue: int,
        now: datetime,
    ) -> None:
        """Tier change and snapshot, where there is anything new to tell."""
        state = CustomerState(
            customer.id, customer.segment, after.service_class, "graded", MODEL, band_of(revenue, 2), "CNY"
        )
        published = Published(
            customer.id, customer.name, customer.segment, customer.region, customer.account_manager,
            customer.parent_customer_id, None, subject.sequence,
        )  # fmt: skip
        events = []
        if entry is not None:
            classes = (told.service_class or "standard", after.service_class)
            version = subject.sequence + 1
            event = tier_changed(entry, published, version=version, primary=MODEL, classes=classes, now=now)
            events.append((TIERS, event))
        fields = snapshot_fields(published, state, {MODEL: after.tier})
        if told.published is None or fields != msgspec.json.decode(told.published):
            told.version = subject.sequence + len(events) + 1
            told.published = msgspec.json.encode(fields).decode()
            events.append((CUSTOMERS, snapshot(customer.id, fields, version=told.version, now=now)))
        told.service_class, told.service_class_source = after.service_class, "graded"
        told.primary_model, told.revenue_band, told.revenue_currency = MODEL, state.revenue_band, "CNY"
        for topic, event in events:
            subject.sequence += 1
            numbered = msgspec.structs.replace(event, sequence=subject.sequence)
            session.add(outbox_row(self.Outbox, topic, numbered, now))


def _day_start(now: datetime, lag: int) -> datetime:
    day = now.astimezone(_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=lag)


def _bands(metrics: dict[str, Any]) -> tuple[dict[str, str], int]:
    recency, frequency, money = (metrics[name] for name in _INDICATORS)
    bands = (
        "high" if recency <= 30 else "medium" if recency <= 90 else "low",
        "high" if frequency >= 4 else "medium" if frequency >= 2 else "low",
        "high" if money >= 50_000_000 else "medium" if money >= 10_000_000 else "low",
    )
    return dict(zip(_INDICATORS, bands, strict=True)), sum(_POINTS[band] for band in bands)


def _stage(metrics: dict[str, Any]) -> str:
    silent, now, before = metrics["days_since_last_purchase"], metrics["spend_90d"], metrics["spend_90d_prev"]
    if silent >= 365:
        return "lost"
    if metrics["customer_age_days"] < 365:
        return "new"
    if silent >= 90 or 10 * now <= 7 * before:
        return "declining"
    return "growing" if 10 * now >= 12 * before else "mature"


def _tier(points: int, stage: str) -> str:
    if stage == "lost":
        return "churn_risk"
    if points >= 12:
        return "core" if stage == "mature" else "potential"
    if points >= 8:
        return "general" if stage == "declining" else "potential"
    if points >= 5:
        return "churn_risk" if stage == "declining" else "general"
    return "general" if stage == "new" else "churn_risk"


def _next_look(metrics: dict[str, Any], now: datetime) -> datetime:
    """The next age of the last purchase that matters; a simple rule, cheaper than ours."""
    age = metrics["days_since_last_purchase"]
    step = next(edge for edge in (31, 91, 365, 10_000) if edge > age)
    return _day_start(now, 0) + timedelta(days=step - age)
