"""L1: complaint on Kafka → mail accepted by a local sink, three service processes; beside a bare two-process chain."""

import asyncio
from contextlib import ExitStack

from shared.bus.port import TopicSpec
from tests.bench import bare_chain
from tests.bench.bench import Bench
from tests.bench.http_load import TooBusy
from tests.bench.paced import Paced, a_producer, paced
from tests.bench.processes import a_process
from tests.bench.streams import PARTITIONS, a_bus
from tests.bench.table import Ratio, Row
from tests.bench.whole import Whole, processor_seconds, the_whole

RATE, SECONDS, BARE_SECONDS = 300, 20.0, 8.0
LOWER, STEPS, STEP_SECONDS = (200, 100, 50), (450, 600, 800, 1000, 1300, 1600, 2000), 6.0
MOST_MS = 1000
_TOPIC = "moat.facts.v1"


async def run(bench: Bench) -> list[Row]:
    """Latency from the producer's send to the end of the mail's text at the sink; every complaint opens a case."""
    async with the_whole(bench, "l1") as whole, a_producer(whole.kafka) as producer:
        await paced(producer, _TOPIC, whole.arrivals, rate=100, seconds=3, patience=30)
        await whole.settle()
        before = processor_seconds(whole.platform)
        ours = await paced(producer, _TOPIC, whole.arrivals, rate=RATE, seconds=SECONDS, patience=30)
        await whole.settle()
        spent = {
            name: (seconds - before[name]) * 1000 / (RATE * SECONDS)
            for name, seconds in processor_seconds(whole.platform).items()
        }
        bare = await _bare(bench, whole, producer)
        highest, missed = await _highest(whole, producer, ours)
    return [
        Row(
            id="L1",
            what=f"complaint on Kafka → mail accepted, {RATE}/s for {SECONDS:.0f} s: p99",
            ours=ours.p99,
            unit="ms",
            goal=150,
            less=True,
            beside={"p50": ours.p50, "bare chain: p99": bare.p99, "bare chain: p50": bare.p50},
            ratios=(Ratio("bare chain's p99", ours.p99 / bare.p99),),
            note=f"{_lost(ours)}; processor time a complaint: "
            + ", ".join(f"{name} {milliseconds:.2f} ms" for name, milliseconds in spent.items()),
        ),
        Row(
            id="L1",
            what=f"highest rate tried that keeps p99 ≤ {MOST_MS:,} ms",
            ours=highest.rate if highest else 0,
            unit="complaints/s",
            beside={"p99 there": highest.p99} if highest else {},
            note=missed,
        ),
    ]


async def _highest(whole: Whole, producer, at_first: Paced) -> tuple[Paced | None, str]:
    """The last step that held, and why the next one was not it."""
    if at_first.p99 > MOST_MS:
        return await _lower(whole, producer), f"at {at_first.rate:.0f}/s p50 {at_first.p50:,.0f} ms"
    held = at_first
    for rate in STEPS:
        try:
            found = await paced(producer, _TOPIC, whole.arrivals, rate=rate, seconds=STEP_SECONDS, patience=20)
        except TooBusy as error:
            return held, f"{rate}/s was not tried to the end: {error}"
        if found.p99 > MOST_MS:
            return held, f"at {rate}/s p50 {found.p50:,.0f} ms, p99 {found.p99:,.0f} ms"
        held = found
        await whole.settle()
    return held, "no higher rate was tried"


async def _lower(whole: Whole, producer) -> Paced | None:
    for rate in LOWER:
        found = await paced(producer, _TOPIC, whole.arrivals, rate=rate, seconds=STEP_SECONDS, patience=20)
        await whole.settle()
        if found.p99 <= MOST_MS:
            return found
    return None


async def _bare(bench: Bench, whole: Whole, producer) -> Paced:
    async with a_bus(whole.kafka) as bus:
        await bus.ensure_topics(
            [TopicSpec(t, partitions=PARTITIONS) for t in (bare_chain.COMPLAINTS, bare_chain.CASES)]
        )
    url = bench.database("l1_bare")
    log = bench.directory / "bare-chain.log"
    chain = "tests.bench.bare_chain"
    with ExitStack() as processes:
        processes.enter_context(a_process(log, chain, "intent", whole.kafka, url, str(whole.lines_port)))
        await asyncio.sleep(1)
        processes.enter_context(a_process(log, chain, "case", whole.kafka, url))
        # Until the first ones arrive both are still joining their groups.
        for _ in range(20):
            warm = await paced(producer, bare_chain.COMPLAINTS, whole.arrivals, rate=100, seconds=1, patience=5)
            if warm.lost == 0 and warm.p99 < MOST_MS:
                break
        return await paced(producer, bare_chain.COMPLAINTS, whole.arrivals, rate=RATE, seconds=BARE_SECONDS)


def _lost(found: Paced) -> str:
    return f"{found.lost} mails did not arrive" if found.lost else f"slowest {found.most:,.0f} ms; every mail arrived"
