"""The rules of grading: pure, without a clock, a database or a framework."""
