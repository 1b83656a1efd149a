"""`moat keys`: who may call a service."""

from shared.auth.cli_keys import app

__all__ = ["app"]
