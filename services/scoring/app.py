"""The composition root of scoring: settings in, a running service out."""

from functools import partial

from services.scoring.api.customers import router as customers_router
from services.scoring.api.facts import router as facts_router
from services.scoring.api.models import MODEL_DRAFTS, MODELS, model_kind, model_routers
from services.scoring.api.policies import POLICIES, policy_kind
from services.scoring.api.policies import router as promises_router
from services.scoring.api.rates import router as rates_router
from services.scoring.api.recompute import router as recompute_router
from services.scoring.api.reports import router as reports_router
from services.scoring.api.tiers import router as tiers_router
from services.scoring.consumers import facts_consumer
from services.scoring.settings import ScoringSettings
from services.scoring.store.models import Models
from services.scoring.usecases.door import Door
from services.scoring.usecases.recompute import JOB, recompute_job
from services.scoring.usecases.sweep import agenda
from services.scoring.workers import DoorKeeper, Sweeper
from shared.clock import Clock
from shared.serve import run
from shared.service import Foundation, Parts, Service, build_service
from shared.web.app import About

_ABOUT = About(
    title="Moat scoring",
    summary="Facts about customers become metrics, and metrics tiers.",
    description=(
        "Systems tell facts (orders, refunds, complaints, opinion …) once, by HTTP or on Kafka. Versioned models turn"
        " what is known at an instant into a tier and a service class; every tier explains itself.\n\n"
        "各系统上报客户事实，模型据此分级；每个等级都可解释。"
    ),
)


def build(settings: ScoringSettings, *, clock: Clock | None = None) -> Service:
    """The service, built but not started."""
    base = Foundation.lay("scoring", settings, clock=clock)
    models, kind, policies = Models(), model_kind(), policy_kind()
    sweeper = Sweeper(base.database, base.uow, base.clock, models)
    routers = [
        facts_router,
        customers_router,
        promises_router,
        tiers_router,
        *model_routers(),
        recompute_router,
        rates_router,
        reports_router,
    ]
    return build_service(
        base,
        Parts(
            about=_ABOUT,
            routers=routers,
            documents=(kind, policies),
            consumers=[facts_consumer(models, lanes=settings.lanes, batch=settings.batch)],
            jobs={JOB: recompute_job(models)},
            workers=[sweeper.worker, DoorKeeper(base.uow).worker],
            presets=[(kind, MODELS), (policies, POLICIES)],
            offered=[(kind, MODEL_DRAFTS)],
            reachable={Models: models, Door: Door(base.uow)},
            agendas={"regrades": partial(agenda, base.database)},
        ),
    )


def serve(**given: object) -> None:
    """Run the service until SIGTERM; settings come from the environment, `given` ones first."""
    run(build(ScoringSettings.for_service("scoring", **given)))
