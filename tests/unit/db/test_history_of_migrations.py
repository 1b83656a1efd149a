"""The list of revisions that a service reads without Alembic is Alembic's own."""

import subprocess
import sys

import pytest
from alembic.script import ScriptDirectory

from shared.db.migrations import _config, _history


@pytest.mark.parametrize("service", ["scoring", "crisis", "notify"])
def test_revisions_read_from_the_files_are_those_that_alembic_finds(service):
    script = ScriptDirectory.from_config(_config(service))
    assert _history(service) == {entry.revision: entry.down_revision for entry in script.walk_revisions()}
    assert [name for name in _history(service) if name not in _history(service).values()] == script.get_heads()


@pytest.mark.parametrize("service", ["scoring", "crisis", "notify"])
def test_a_running_service_does_not_have_alembic_in_its_memory(service):
    looked = f"import sys, services.{service}.app; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", looked], check=False).returncode == 0
