"""The only place that knows which buses there are."""

from urllib.parse import parse_qs, urlsplit

from shared.bus.observer import BusObserver
from shared.bus.port import Bus


def travels_in_the_clear(url: str) -> bool:
    """Whether what a bus at `url` carries can be read and changed on the way: Kafka without TLS."""
    parts = urlsplit(url)
    protocol = parse_qs(parts.query).get("security_protocol", ["PLAINTEXT"])[-1]
    return parts.scheme.partition("+")[0] == "kafka" and protocol.endswith("PLAINTEXT")


async def open_bus(url: str, *, client_id: str, observer: BusObserver | None = None) -> Bus:
    """The bus at `url`: `kafka://host:port,host:port?…` or `postgresql://…/moat_bus`.

    Raises BusUnavailable when it does not answer, and ValueError for an address that is no bus's. Only what the chosen
    adapter needs is imported.
    """
    scheme = urlsplit(url).scheme.partition("+")[0]
    if scheme == "kafka":
        from shared.bus.kafka import KafkaBus

        return await KafkaBus.open(url, client_id=client_id, observer=observer)
    if scheme in {"postgresql", "postgres"}:
        from shared.bus.postgres import PostgresBus

        return await PostgresBus.open(url, client_id=client_id, observer=observer)
    raise ValueError(f"A bus url begins with kafka:// or postgresql://, not with {scheme}://")
