"""The HTTP surface of scoring."""
