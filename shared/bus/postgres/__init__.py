"""The embedded bus: Kafka's model (topics, partitions, offsets, groups) in a PostgreSQL database of its own."""

from shared.bus.postgres.bus import PostgresBus

__all__ = ["PostgresBus"]
