"""HTTP: routers and the shapes that they speak."""

from collections.abc import Sequence

from fastapi import APIRouter

from services.notify.api import (
    acks,
    channels,
    contact_points,
    contact_rules,
    deliveries,
    messages,
    people,
    roles,
    teams,
    trying,
)


def routers() -> Sequence[APIRouter]:
    """Every router of notify, in the order of the documentation."""
    return (
        messages.router,
        deliveries.router,
        acks.router,
        people.router,
        teams.router,
        contact_points.router,
        contact_rules.router,
        roles.router,
        trying.router,
        channels.router,
    )
