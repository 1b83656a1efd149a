"""What a crash run came to, kept so that it cannot be lost: in the assertion, and beside logs and databases."""

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SHOWN = 20
_LAST_LINES = 6
_FOR_GOOD = Path(__file__).parents[3] / "var" / "faults"


@dataclass
class Report:
    """`wrong` names the rules that were broken with all that broke them, and is empty when everything held."""

    seed: int
    wrong: Mapping[str, list[Any]] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    logs: Path | None = None

    def figures(self) -> str:
        return f"seed {self.seed}: " + ", ".join(f"{count} {what}" for what, count in sorted(self.told.items()))

    def text(self, *, shown: int | None = _SHOWN) -> str:
        """The whole verdict with up to `shown` offenders a rule, and what the services logged last."""
        lines = [f"MOAT_FAULTS_SEED={self.seed}", self.figures()]
        for what, offenders in self.wrong.items():
            lines.append(f"{len(offenders)} × {what}:")
            lines += [f"    {offender}" for offender in offenders[:shown]]
            if shown is not None and len(offenders) > shown:
                lines.append(f"    and {len(offenders) - shown} more")
        if self.logs is not None:
            lines.append(f"verdict.txt, logs{' and databases' if self.wrong else ''} are in {self.logs}")
            for log in sorted(self.logs.glob("*.log")):
                lines.append(f"{log.name} ends with:")
                lines += [f"    {line[:400]}" for line in log.read_text(errors="replace").splitlines()[-_LAST_LINES:]]
        return "\n".join(lines)

    def keep(self, directory: Path, logs: Path, *, for_good: Path = _FOR_GOOD) -> None:
        """Write the verdict to `logs`, with the logs in `directory`; where something is wrong, with the databases.

        `directory` is the one of a platform that has been stopped. A folder of a test is gone a few runs later: what is
        wrong is written to `for_good`, too.
        """
        for log in directory.glob("*.log"):
            shutil.copy(log, logs)
        self.logs = logs
        if self.wrong:
            shutil.copytree(directory / "postgres", logs / "postgres", dirs_exist_ok=True)
            for_good.mkdir(parents=True, exist_ok=True)
            (for_good / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}-{self.seed}.txt").write_text(self.text(shown=None))
        (logs / "verdict.txt").write_text(self.text(shown=None))
