"""The judge of the crash runs: it demands what is promised, no less and no more, and its verdict stays."""

import pytest

from shared.bus.port import Received
from shared.contracts import CloudEvent, encode
from tests.support.faults.doors import Ledger
from tests.support.faults.evidence import Evidence, Verdict, first_deliveries
from tests.support.faults.judge_bus import judge_order
from tests.support.faults.report import Report
from tests.support.kernel import NOON

COMPACTED, ORDINARY = "moat.customers.v1", "moat.scoring.v1"


@pytest.mark.parametrize(
    ("topic", "delivered", "swapped"),
    [
        (ORDINARY, [1, 2, 3], []),
        (ORDINARY, [1, 2, 1, 2, 3], []),
        (ORDINARY, [2, 1, 2], [(2, 1)]),
        (COMPACTED, [1, 2, 1, 2], []),
        (COMPACTED, [2, 1, 2], []),
        (COMPACTED, [2, 1], [(2, 1)]),
        (COMPACTED, [2, 1, 3], [(2, 1)]),
        (COMPACTED, [3, 1, 2, 3, 2], []),
    ],
)
def test_what_overtook_a_snapshot_must_come_again_after_it_and_elsewhere_nothing_overtakes(topic, delivered, swapped):
    verdict = Verdict()

    judge_order(_evidence(topic, delivered), verdict)

    found = verdict.wrong.get("event out of order (topic, subject, type, before, own sequence)", [])
    assert [entry[-2:] for entry in found] == swapped


def test_the_snapshot_that_counts_is_the_one_with_the_highest_number_wherever_it_lies():
    latest = _evidence(COMPACTED, [2, 1, 2, 1]).latest("scoring.customer.snapshot.v1")

    assert latest["C-1"].event.sequence == 2


def test_a_verdict_is_written_whole_with_the_last_lines_of_the_logs_and_the_databases(tmp_path):
    platform, kept = tmp_path / "platform", tmp_path / "kept"
    (platform / "postgres").mkdir(parents=True)
    kept.mkdir()
    (platform / "postgres" / "PG_VERSION").write_text("18")
    (platform / "crisis.log").write_text("".join(f"line {n}\n" for n in range(100)))
    verdict = Verdict()
    verdict.none("fact that was lost", (f"F-{n}" for n in range(50)))
    verdict.none("fact that was lost", ["F-last"])
    report = Report(7, verdict.wrong)

    report.keep(platform, kept, for_good=tmp_path / "var")

    said, written = report.text(), (kept / "verdict.txt").read_text()
    assert "51 × fact that was lost" in said and "and 31 more" in said and "line 99" in said
    assert "F-last" in written and "MOAT_FAULTS_SEED=7" in written
    (lasting,) = (tmp_path / "var").iterdir()
    assert lasting.read_text() == written
    assert (kept / "postgres" / "PG_VERSION").exists()


def test_a_run_in_which_everything_held_keeps_its_logs_only(tmp_path):
    platform, kept = tmp_path / "platform", tmp_path / "kept"
    (platform / "postgres").mkdir(parents=True)
    kept.mkdir()

    Report(7).keep(platform, kept)

    assert [path.name for path in kept.iterdir()] == ["verdict.txt"]


def _evidence(topic: str, delivered: list[int]) -> Evidence:
    """What lies on a topic: these numbers of one customer, each number one event."""
    records = [Received(topic, 0, offset, 0, *encode(_snapshot(number))) for offset, number in enumerate(delivered)]
    return Evidence({}, first_deliveries(records), len(records), {}, Ledger(), [])


def _snapshot(number: int) -> CloudEvent:
    return CloudEvent(
        id=f"e-{number}",
        source="/moat/scoring",
        type="scoring.customer.snapshot.v1",
        subject="C-1",
        time=NOON,
        data={},
        sequence=number,
    )
