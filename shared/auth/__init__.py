"""Who asks, and what he may do: deny by default, scopes decide."""

from shared.auth.guard import open_to_all, require
from shared.auth.principal import Authenticator, Principal
from shared.auth.scopes import SCOPES

__all__ = ["SCOPES", "Authenticator", "Principal", "open_to_all", "require"]
