"""How fast small facts are read and written: `python -m tests.bench.contracts`. Bounds nothing; prints what it saw."""

import gc
import sys
import time
from collections.abc import Callable

import msgspec
import orjson

from shared.contracts import decode, encode, validate
from tests.contracts.events import an_event

EVENT = an_event(
    sequence=3,
    dataschema="urn:moat:schema:customer.order.placed.v1",
    traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
)
RECORD = encode(EVENT)
ROUNDS, CALLS = 15, 10_000


def seconds_per_call(call: Callable[[], object]) -> float:
    """The best of several rounds: the others measure the neighbours."""
    best = float("inf")
    gc.disable()
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        best = min(best, (time.perf_counter() - start) / CALLS)
    gc.enable()
    return best


def main() -> None:
    """Print a line for each way of reading, the bare parsers for comparison first."""
    lines = {
        "orjson.loads, payload only": lambda: orjson.loads(RECORD.value),
        "msgspec.json.decode, payload only": lambda: msgspec.json.decode(RECORD.value),
        "decode: envelope and strict payload": lambda: decode(*RECORD),
        "decode and validate: typed": lambda: validate(decode(*RECORD)),
        "encode": lambda: encode(EVENT),
    }
    for name, call in lines.items():
        seconds = seconds_per_call(call)
        sys.stdout.write(f"{name:40} {seconds * 1e6:6.2f} µs {1 / seconds:12,.0f}/s\n")


if __name__ == "__main__":
    main()
