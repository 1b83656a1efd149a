"""Speed and memory, side by side with a peer and with the bare limit in one run, as ratios."""
