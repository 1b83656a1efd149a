"""What time sets going: the durable timers of this service and their handlers."""

from collections.abc import Mapping

from services.crisis.library import Library
from services.crisis.store.save import CLOCKS_TIMER, CONTINUE_TIMER, ESCALATION_TIMER
from services.crisis.usecases.calendar_published import Rederive
from services.crisis.usecases.fire import Fire
from services.crisis.usecases.rederive_timers import PUBLISHED_TIMER, REDERIVE_TIMER, spread
from shared.timers.worker import Fire as FireTimers


def timer_handlers(library: Library) -> Mapping[str, FireTimers]:
    """Handlers by kind of timer."""
    fire = Fire(library)
    return {
        CLOCKS_TIMER: fire.clocks,
        ESCALATION_TIMER: fire.escalations,
        CONTINUE_TIMER: fire.waits,
        PUBLISHED_TIMER: spread,
        REDERIVE_TIMER: Rederive(library),
    }
