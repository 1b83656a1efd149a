"""Crash runs: a story told through both doors, faults at random moments, and what must hold afterwards."""
