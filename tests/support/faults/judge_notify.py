"""Notify after a crash run: every case was told of, every delivery ended once, mails are as often as they may be."""

from collections import Counter, defaultdict

from services.commands.names import ServiceName
from services.notify.domain.message import message_state
from tests.support.faults.evidence import Evidence, Verdict, mail_of, repeated

NOTIFY = ServiceName.NOTIFY
_ENDED = {
    "accepted": "notify.delivery.accepted.v1",
    "failed": "notify.delivery.failed.v1",
    "unknown": "notify.delivery.failed.v1",
    "obsolete": "notify.delivery.obsolete.v1",
    "suppressed": "notify.delivery.suppressed.v1",
}


async def judge_notify(evidence: Evidence, verdict: Verdict, *, links: set[str]) -> None:
    """Look at everything that notify keeps and has told, and at the mailboxes."""
    await _messages(evidence, verdict)
    await _deliveries(evidence, verdict)
    await _mails(evidence, verdict)
    await _acknowledgements(evidence, verdict, links)
    await _projections(evidence, verdict)


async def _messages(evidence: Evidence, verdict: Verdict) -> None:
    """Each opened case led to a message, each event that is routed to one per rule; states agree with deliveries."""
    messages = await evidence.rows(NOTIFY, "select id, event_id, event_type, rule, state from message")
    about = {row["event_id"] for row in messages}
    opened = evidence.of_type("crisis.case.opened.v1", "crisis.escalation.raised.v1", "crisis.clock.breached.v1")
    verdict.none("event without a message", [e.event.id for e in opened if e.event.id not in about])
    known = {e.event.id for e in evidence.events if e.topic == "moat.crisis.v1"}
    verdict.none("message about no event", sorted(about - known))
    states: dict[str, list[str]] = defaultdict(list)
    for row in await evidence.rows(NOTIFY, "select message_id, state from delivery"):
        states[row["message_id"]].append(row["state"])
    verdict.none(
        "message in another state than its deliveries say",
        [
            (row["id"], row["state"], states[row["id"]])
            for row in messages
            if row["state"] != "acknowledged" and row["state"] != message_state(states[row["id"]]).value
        ],
    )


async def _deliveries(evidence: Evidence, verdict: Verdict) -> None:
    """Each delivery is in one terminal state and that was told exactly once."""
    rows = await evidence.rows(NOTIFY, "select id, state, attempts from delivery")
    verdict.none("delivery that has not ended", [r["id"] for r in rows if r["state"] not in _ENDED])
    told = Counter(
        (e.data["delivery_id"], e.event.type) for e in evidence.events if e.event.type.startswith("notify.delivery.")
    )
    verdict.none("end of a delivery told twice", [key for key, count in told.items() if count > 1])
    # A message without any address is told of as undeliverable, as a whole.
    silent = {
        row["id"]
        for row in await evidence.rows(
            NOTIFY, "select id from delivery where state = 'failed' and reason = 'no_contact_point' and attempts = 0"
        )
    }
    verdict.same(
        "ends of deliveries and ends told",
        ((row["id"], _ENDED.get(row["state"])) for row in rows if row["id"] not in silent),
        (key for key in told if key[0] not in silent),
    )
    # A sender that was given up as dead and comes back adds its own line to the one that was written for it.
    verdict.none(
        "attempt written twice",
        await evidence.rows(
            NOTIFY,
            "select delivery_id, number from attempt group by 1, 2"
            " having count(*) > 1 + least(1, count(*) filter (where outcome = 'unknown'))",
        ),
    )


async def _mails(evidence: Evidence, verdict: Verdict) -> None:
    """What was accepted arrived; it arrived again only where nobody knew and it was urgent."""
    arrived = Counter(mail_of(mail) for mail in evidence.mails)
    rows = await evidence.rows(
        NOTIFY,
        "select d.id, d.state, m.urgency, d.attempts,"
        " (select count(*) from attempt a where a.delivery_id = d.id and a.outcome = 'unknown') as doubts"
        " from delivery d join message m on m.id = d.message_id where d.channel = 'smtp'",
    )
    verdict.none("mail of no delivery", sorted(arrived.keys() - {row["id"] for row in rows}))
    verdict.none(
        "accepted delivery whose mail never came",
        [r["id"] for r in rows if r["state"] == "accepted" and not arrived[r["id"]]],
    )
    verdict.none(
        "mail that came more often than doubts allow",
        [
            (row["id"], row["state"], row["urgency"], arrived[row["id"]], row["doubts"])
            for row in rows
            if arrived[row["id"]] > (row["state"] == "accepted") + row["doubts"]
            or (arrived[row["id"]] > 1 and row["urgency"] != "critical")
        ],
    )


async def _acknowledgements(evidence: Evidence, verdict: Verdict, links: set[str]) -> None:
    """Each link that was followed is one acknowledgement, told once and known to crisis."""
    given = await evidence.rows(NOTIFY, "select message_id, person from acknowledgement")
    told = [(e.data["message_id"], e.data["person"]) for e in evidence.of_type("notify.message.acknowledged.v1")]
    verdict.none("acknowledgement told twice", repeated(told))
    verdict.same("acknowledgements and those told", ((r["message_id"], r["person"]) for r in given), told)
    taken = await evidence.rows(
        NOTIFY,
        "select d.id from delivery d join message m on m.id = d.message_id"
        " join acknowledgement a on a.message_id = m.id and a.person = d.person",
    )
    over = await evidence.rows(
        NOTIFY,
        "select d.id from delivery d join message m on m.id = d.message_id"
        " join standing s on s.kind = 'case' and s.id = m.case_id where s.ended",
    )
    verdict.none("followed link without acknowledgement", sorted(links - {row["id"] for row in (*taken, *over)}))
    cases = {e.data["case_id"] for e in evidence.of_type("notify.message.acknowledged.v1")}
    open_cases = await evidence.rows(
        ServiceName.CRISIS, "select id from crisis_case where acknowledged_at is null and status = 'open'"
    )
    whole = {
        e.data["case_id"] for e in evidence.of_type("notify.message.acknowledged.v1") if e.data["matter_id"] is None
    }
    verdict.none("case whose acknowledgement crisis never took", sorted(whole & {row["id"] for row in open_cases}))
    assert cases >= whole


async def _projections(evidence: Evidence, verdict: Verdict) -> None:
    """Notify knows customers as scoring told of them, and cases as crisis did."""
    rows = await evidence.rows(NOTIFY, "select id, service_class, version from customer")
    last = {id_: event.data for id_, event in evidence.latest("scoring.customer.snapshot.v1").items()}
    verdict.same(
        "customers as notify knows them and as scoring told",
        ((row["id"], row["service_class"], row["version"]) for row in rows),
        ((id_, data["service_class"], data["version"]) for id_, data in last.items()),
    )
    standings = await evidence.rows(NOTIFY, "select id, ended from standing where kind = 'case'")
    cases = await evidence.rows(ServiceName.CRISIS, "select id, status from crisis_case")
    verdict.same(
        "cases as notify knows them and as they are",
        ((row["id"], row["ended"]) for row in standings),
        ((row["id"], row["status"] != "open") for row in cases),
    )
