"""Live clocks: what was promised for a case, recorded event by event, told by comparing folds."""
