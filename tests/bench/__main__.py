"""`python -m tests.bench [ID …]`: run benchmarks and print the table."""

import asyncio
import gc
import importlib
import logging
import sys
import traceback
from pathlib import Path

import structlog
import uvloop

from tests.bench.bench import a_bench
from tests.bench.http_load import TooBusy
from tests.bench.table import Row, text, write_json

BENCHES = {
    "m1": "m1_facts",
    "m2": "m2_complaints",
    "r1": "r1_relay",
    "t1": "t1_timers",
    "k1": "k1_idle",
    "l1": "l1_latency",
    "h1": "h1_door",
    "w1": "w1_memory",
    "c1": "c1_calendar",
    "c2": "c2_folds",
    "e1": "e1_explain",
    "g1": "g1_grading",
    "g2": "g2_growth",
    "s1": "s1_retarget",
}


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name.lower() not in BENCHES]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),  # the table alone goes to standard output
    )
    rows: list[Row] = []
    refused: list[str] = []
    with a_bench() as bench:
        for name in [name.lower() for name in wanted] or list(BENCHES):
            print(f"running {name} …", file=sys.stderr, flush=True)
            module = importlib.import_module(f"tests.bench.{BENCHES[name]}")
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the services run
                try:
                    found = runner.run(module.run(bench))
                except TooBusy as busy:
                    refused.append(f"{name.upper()}  no figure: {busy}")
                    continue
                except Exception as error:  # the other rows still have their figures
                    traceback.print_exc()
                    refused.append(f"{name.upper()}  failed: {error!r:.200}")
                    continue
            gc.collect()
            print(text(found), file=sys.stderr, flush=True)
            rows += found
        machine = bench.machine()
    print("\n".join(f"{name}: {value}" for name, value in machine.items()))
    print()
    print("\n".join([text(rows), *refused]))
    write_json(Path("var/bench.json"), rows, machine)
    return 1 if refused else 0


sys.exit(main(sys.argv[1:]))
