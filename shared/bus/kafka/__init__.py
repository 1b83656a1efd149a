"""The bus on Apache Kafka, by aiokafka under supervision."""

from shared.bus.kafka.bus import KafkaBus

__all__ = ["KafkaBus"]
