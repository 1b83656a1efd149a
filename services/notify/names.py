"""Names that parts of notify call one another by."""

from typing import Final

SENDER: Final = "sender"
"""The worker that a transaction touches when it has made deliveries to send."""
ACK_KEY: Final = "acknowledgement-links"
"""The secret that signs acknowledgement links."""
