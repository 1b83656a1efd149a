"""Whom to tell, of what, over which channel, and whether it is still true: plain Python, no I/O."""
