"""The composition root of scoring: settings in, a running service out."""

from services.scoring.api.facts import router as facts_router
from services.scoring.api.models import MODEL_DRAFTS, MODELS, model_kind, model_routers
from services.scoring.consumers import facts_consumer
from services.scoring.settings import ScoringSettings
from services.scoring.store.models import Models
from services.scoring.usecases.door import Door
from shared.clock import Clock
from shared.serve import run
from shared.service import Foundation, Parts, Service, build_service
from shared.web.app import About

_ABOUT = About(
    title="Moat scoring",
    summary="Facts about customers become metrics, and metrics tiers.",
    description=(
        "Systems tell facts (orders, refunds, complaints, opinion …) once, by HTTP or on Kafka. Versioned models turn what"
        " is known at an instant into a tier and a service class; every tier explains itself.\n\n"
        "各系统上报客户事实，模型据此分级；每个等级都可解释。"
    ),
)


def build(settings: ScoringSettings, *, clock: Clock | None = None) -> Service:
    """The service, built but not started."""
    base = Foundation.lay("scoring", settings, clock=clock)
    models = Models()
    kind = model_kind()
    return build_service(
        base,
        Parts(
            about=_ABOUT,
            routers=[facts_router, *model_routers()],
            consumers=[facts_consumer(models)],
            presets=[(kind, MODELS)],
            offered=[(kind, MODEL_DRAFTS)],
            reachable={Models: models, Door: Door(base.uow)},
        ),
    )


def serve(**given: object) -> None:
    """Run the service until SIGTERM; settings come from the environment, `given` ones first."""
    run(build(ScoringSettings.for_service("scoring", **given)))
