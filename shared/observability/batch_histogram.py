"""A Prometheus histogram that takes many values at once: a batch of thousands costs as much as a few single ones."""

import threading
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector


class BatchHistogram(Collector):
    """Counts values into buckets whose upper bounds are given; the bucket without a bound is added."""

    def __init__(self, name: str, documentation: str, *, buckets: Sequence[float], registry: CollectorRegistry) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = tuple(map(float, buckets))
        self._cumulative = [0] * len(self._bounds)
        self._count = 0
        self._sum = 0.0
        self._lock = threading.Lock()
        registry.register(self)

    def observe_all(self, values: Iterable[float]) -> None:
        """Count each of `values`."""
        ordered = sorted(values)
        with self._lock:
            self._count += len(ordered)
            self._sum += sum(ordered)
            for place, bound in enumerate(self._bounds):
                self._cumulative[place] += bisect_right(ordered, bound)

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """What the registry asks for when somebody scrapes."""
        with self._lock:
            counts = [*self._cumulative, self._count]
            total = self._sum
        names = [*map(str, self._bounds), "+Inf"]
        yield HistogramMetricFamily(
            self._name, self._documentation, buckets=list(zip(names, counts, strict=True)), sum_value=total
        )
