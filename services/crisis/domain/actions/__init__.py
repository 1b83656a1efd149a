"""What people do with a case. `perform` is the one way in: it asks the table of stages, then the action's own rules."""

from services.crisis.domain.actions.order import Order, Refused, StageForbids, WrongTime
from services.crisis.domain.actions.perform import perform
from services.crisis.domain.actions.works import ConflictOfInterest

__all__ = ["ConflictOfInterest", "Order", "Refused", "StageForbids", "WrongTime", "perform"]
