"""The walls between modules hold, and each wall would be missed: a breach of it is found."""

import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

_LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
ROOT = Path(__file__).parents[2]

BREACHES = {
    "services-apart": ("services/notify/rogue.py", "import services.crisis\n"),
    "shared-below": ("shared/rogue.py", "import services.crisis\n"),
    "domain-pure": ("services/crisis/domain/rogue.py", "import sqlalchemy\n"),
    "domain-polars": ("services/notify/rogue.py", "import polars\n"),
}
"""For each contract a file that breaks it."""


def test_every_import_contract_is_kept():
    assert _lint(ROOT).returncode == 0, _lint(ROOT).stdout


def test_every_contract_has_a_breach_that_is_tried():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

    assert {contract["id"] for contract in contracts} == set(BREACHES)


@pytest.mark.parametrize("contract", BREACHES)
def test_a_breach_of_the_contract_is_found(contract, tmp_path):
    """A small copy of the tree (packages only, no bodies) with one rogue import."""
    _skeleton(tmp_path)
    path, source = BREACHES[contract]
    (tmp_path / path).write_text(source)

    done = _lint(tmp_path)

    name = next(c["name"] for c in _contracts() if c["id"] == contract)
    assert done.returncode == 1
    assert f"{name} BROKEN" in done.stdout


def test_scoring_alone_loads_polars_when_imported():
    code = textwrap.dedent("""
        import sys
        import services.crisis.app, services.notify.app
        print("polars" in sys.modules)
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)

    assert done.stdout.strip() == "False"


def _contracts():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def _skeleton(target: Path) -> None:
    text = (ROOT / "pyproject.toml").read_text()
    (target / "pyproject.toml").write_text(text[text.index("[tool.importlinter]") :])
    for package in ("services", "shared", "deploy"):
        for module in (ROOT / package).rglob("__init__.py"):
            copy = target / module.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text("")
    for module in ("shared/settings.py", "shared/clock.py"):
        (target / module).write_text("")


def _lint(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=root,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
    )
