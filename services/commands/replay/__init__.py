"""The real incident log through the clock engine: `python -m services.commands.replay`.

The log says of each incident whether it made its SLA, not what the target was. So every rule of a small family, stated
in `rules.py`, is asked, and the fit of the best one is told with what it leaves unexplained.
"""

from services.commands.replay.figures import lines_of, replay

__all__ = ["lines_of", "replay"]
