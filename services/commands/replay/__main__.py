"""`python -m services.commands.replay [log.csv.gz] [--json]`."""

import argparse
import json
from pathlib import Path

from services.commands.replay import lines_of, replay

_LOG = Path(__file__).parents[3] / "data" / "incident_event_log_1.csv.gz"


def main() -> None:
    """Replay the log and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m services.commands.replay", description=__doc__)
    parser.add_argument("log", nargs="?", type=Path, default=_LOG, help="the incident log; the one in data/ without it")
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    asked = parser.parse_args()
    figures = replay(asked.log)
    print(json.dumps(figures, indent=2) if asked.json else "\n".join(lines_of(figures)))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
