"""What a change of tier, severity, policy or calendar does to promises that run, as the policy that made them says.

The sources know five behaviours by other names: Salesforce keeps, Zendesk measures anew from the start, others begin
again. Ours tightens by default: a crisis that lowers a customer's tier never loosens its own promises.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from services.crisis.domain.clocks import Behaviour
from services.crisis.domain.service_class import ServiceClass, best_of


class TierBasis(StrEnum):
    """Which tier a case is served at."""

    BEST_SINCE_OPEN = "best_since_open"
    """The best since what happened; the one before a drop counts."""
    TIER_AT_OPEN = "tier_at_open"
    """The one that the customer had when the case opened, whatever comes later."""
    CURRENT = "current"
    """The one that the customer has, up and down."""
    TIER_BEFORE_TRIGGERING_DROP = "tier_before_triggering_drop"
    """The one before the drop that opened the case, else the one at the opening; whatever comes later."""


@dataclass(frozen=True, slots=True)
class ChangeRules:
    """What a policy says of changes while its promises run."""

    on_tier_change: Behaviour = Behaviour.TIGHTEN_ONLY
    on_severity_change: Behaviour = Behaviour.TIGHTEN_ONLY
    on_calendar_change: Behaviour = Behaviour.KEEP
    """Of a new version of the calendar; what is provisional is derived again in any case."""
    on_policy_change: Behaviour = Behaviour.TIGHTEN_ONLY
    """When another version of it is applied to what runs. Somebody asks for that: activating one changes nothing."""
    tier_basis: TierBasis = TierBasis.BEST_SINCE_OPEN
    relapse_window: timedelta | None = None
    """How long after its end a case may be opened again, in real time; None for ever. Later it is another case."""

    def class_at_opening(
        self, *, best: ServiceClass, current: ServiceClass, before_drop: ServiceClass | None
    ) -> ServiceClass:
        """The class that a case opens with; `before_drop` is given where a drop opens it."""
        match self.tier_basis:
            case TierBasis.BEST_SINCE_OPEN:
                return best
            case TierBasis.TIER_BEFORE_TRIGGERING_DROP:
                return before_drop or current
            case TierBasis.TIER_AT_OPEN | TierBasis.CURRENT:
                return current

    def class_from_now_on(
        self, served: ServiceClass, *, best: ServiceClass, current: ServiceClass, is_late: bool
    ) -> ServiceClass:
        """The class that an open case is served at once the customer's has changed.

        `is_late` tells that the tier was not known at the opening: then it is what the basis would have taken there.
        """
        if self.tier_basis is TierBasis.BEST_SINCE_OPEN:
            return best_of((served, best))
        return current if is_late or self.tier_basis is TierBasis.CURRENT else served
