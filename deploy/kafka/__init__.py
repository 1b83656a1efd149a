"""One real Apache Kafka broker from its published jars, for tests, the demo and benchmarks."""
