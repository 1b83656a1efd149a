"""`moat parked` where there is nothing that it could work on."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_database_that_is_away_is_told_in_one_sentence():
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "parked", "list", "scoring"],
        cwd=ROOT,
        env={**os.environ, "MOAT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 2
    assert "the database of scoring cannot be used" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
