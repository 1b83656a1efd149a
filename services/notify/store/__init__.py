"""Rows in and out: every statement that notify runs, set-based where events come in batches."""
