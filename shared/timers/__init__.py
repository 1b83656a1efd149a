"""Durable timers: the one mechanism for everything that is due later."""
