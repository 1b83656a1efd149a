"""Versioned configuration documents: their models here, their store and routes in `store.py` and `router.py`.

Only the models are exported here: calendars and the clock fold stand on them and must stay free of I/O.
"""

from shared.documents.model import Document, InvalidDocument

__all__ = ["Document", "InvalidDocument"]
