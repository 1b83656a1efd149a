"""What people do with a case. `perform` is the one way in: it asks the table of stages, then the action's own rules."""

from services.crisis.domain.actions.order import ConflictOfInterest, Order, Refused, StageForbids, WrongField, WrongTime
from services.crisis.domain.actions.perform import perform

__all__ = ["ConflictOfInterest", "Order", "Refused", "StageForbids", "WrongField", "WrongTime", "perform"]
