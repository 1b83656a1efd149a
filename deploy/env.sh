#!/usr/bin/env bash
# Make the Python environment: bash deploy/env.sh PYTHON VENV
set -euo pipefail
python=$1 venv=$2

command -v "$python" >/dev/null || { echo "moat: no $python found: install Python 3.11 or newer, or say make PYTHON=…" >&2; exit 2; }
"$python" - <<'CHECK' || { echo "moat: $python is too old: Python 3.11 or newer is needed, or say make PYTHON=…" >&2; exit 2; }
import sys
sys.exit(sys.version_info < (3, 11))
CHECK
"$python" -c 'import venv, ensurepip' 2>/dev/null || { echo "moat: $python has no venv module: install it (on Debian: apt-get install python3-venv)" >&2; exit 2; }

if [ ! -x "$venv/bin/python" ]; then
    echo "making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
fi
echo "installing what requirements/*.txt pin (a minute the first time)"
if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements/runtime.txt -r requirements/dev.txt; then
    echo "moat: the packages could not be installed: see the lines above; the network, or a mirror configured for pip, is needed once" >&2
    exit 2
fi
PYTHONWARNINGS=ignore "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
echo "ready: $venv/bin/moat"
