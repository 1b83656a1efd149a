"""The composition root of crisis: settings in, a running service out."""

from services.crisis.api.applying import router as applying_router
from services.crisis.api.backtest import router as backtest_router
from services.crisis.api.calendars import router as calendars_router
from services.crisis.api.candidates import router as candidates_router
from services.crisis.api.cases import router as cases_router
from services.crisis.api.clocks import router as clocks_router
from services.crisis.api.mutes import router as mutes_router
from services.crisis.api.recalculations import cases_router as superseded_router
from services.crisis.api.recalculations import router as recalculations_router
from services.crisis.api.reports import router as reports_router
from services.crisis.api.sla import router as sla_router
from services.crisis.api.wait_reports import router as wait_reports_router
from services.crisis.consumers import consumer_specs
from services.crisis.kinds import (
    CALENDARS,
    ESCALATIONS,
    MATRICES,
    SHIPPED,
    SLA_POLICIES,
    STATUTORY_PACKS,
    TRIGGER_RULES,
    WAITING,
)
from services.crisis.library import Library
from services.crisis.settings import CrisisSettings
from services.crisis.usecases.apply_policy import application_job, approved_application_job
from services.crisis.usecases.ask_recalculation import APPLICATION, APPROVED, APPROVED_APPLICATION, DRY_RUN
from services.crisis.usecases.recalculate import approved_job, dry_run_job
from services.crisis.workers import timer_handlers
from shared.clock import Clock
from shared.serve import run
from shared.service import Foundation, Parts, Service, build_service
from shared.web.app import About

_ABOUT = About(
    title="Moat crisis",
    summary="Opens a case when a relationship breaks, and runs the clocks that were promised.",
    description=(
        "Complaints, negative opinion and tier drops become matters of the customer's one open case. Every matter has"
        " the promises of the customer's service class; clocks warn, are met or broken, and a broken one calls the"
        " next level."
        "\n\n投诉、负面舆情与客户降级汇入该客户唯一的未结个案；每个事项都有其服务等级承诺的时钟，超时逐级升级。"
    ),
)


def build(settings: CrisisSettings, *, clock: Clock | None = None) -> Service:
    """The service, built but not started."""
    base = Foundation.lay("crisis", settings, clock=clock)
    library = Library()
    return build_service(
        base,
        Parts(
            about=_ABOUT,
            routers=[
                cases_router,
                clocks_router,
                candidates_router,
                mutes_router,
                sla_router,
                recalculations_router,
                superseded_router,
                backtest_router,
                applying_router,
                calendars_router,
                reports_router,
                wait_reports_router,
            ],
            documents=(SLA_POLICIES, CALENDARS, TRIGGER_RULES, MATRICES, ESCALATIONS, STATUTORY_PACKS, WAITING),
            consumers=consumer_specs(library, lanes=settings.lanes),
            timers=timer_handlers(library),
            jobs={
                DRY_RUN: dry_run_job(library),
                APPROVED: approved_job(library),
                APPLICATION: application_job(library),
                APPROVED_APPLICATION: approved_application_job(library),
            },
            presets=SHIPPED,
            reachable={Library: library},
        ),
    )


def serve(**given: object) -> None:
    """Run the service until SIGTERM; settings come from the environment, `given` ones first."""
    run(build(CrisisSettings.for_service("crisis", **given)))
