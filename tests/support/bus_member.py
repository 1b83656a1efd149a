"""A member of a group in a process of its own: `python -m tests.support.bus_member URL GROUP TOPIC FILE`.

Writes a line `owned N` whenever it owns another number of partitions, and one line per record, before committing.
"""

import asyncio
import os
import sys

from shared.bus.open import open_bus
from shared.bus.port import BusUnavailable
from tests.support.bus import next_positions


async def main(url: str, group: str, topic: str, path: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    bus = await open_bus(url, client_id=f"member-{os.getpid()}")
    subscription = await bus.subscribe(group, [topic])
    owned = -1
    while True:
        if len(subscription.owned()) != owned:
            owned = len(subscription.owned())
            os.write(file, b"owned %d\n" % owned)
        try:
            batch = await subscription.poll(max_records=20, wait=0.2)
            # One write: a killed process leaves all of its lines or none.
            os.write(file, b"".join(b"%s %s\n" % (record.key, record.value) for record in batch))
            await subscription.commit(next_positions(batch))
        except BusUnavailable:
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
