"""Tier models over HTTP: versions of their documents, and grading given values without storing anything."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from services.scoring.api.grades import GradeOut, grade_fields
from services.scoring.documents.metric_values import read_metrics
from services.scoring.documents.models import parse_model
from services.scoring.domain.evaluator import CompiledModel, UnknownProfile, compile_model
from services.scoring.domain.explain import evaluate_one
from services.scoring.store.models import KIND
from shared.auth.guard import require
from shared.contracts import event_of
from shared.contracts.errors import FieldError
from shared.contracts.scoring import TOPIC, ModelActivated
from shared.db.database import raw_connection
from shared.db.unit_of_work import UnitOfWork
from shared.documents import InvalidDocument, store
from shared.documents.kind import DocumentKind
from shared.documents.parsing import parse_document
from shared.documents.router import Key
from shared.documents.store import StoredDocument
from shared.errors import Conflict, NotFound, Unprocessable
from shared.ids import new_id
from shared.web.kernel import ReadDatabase
from shared.web.routing import Router
from shared.web.schema import In

SOURCE: Final = "/moat/scoring"
_PRESETS: Final = Path(__file__).parents[1] / "presets"
MODELS: Final = _PRESETS / "models"
"""Models that grade from the start: `Parts.presets`."""
MODEL_DRAFTS: Final = _PRESETS / "model-drafts"
"""Models to choose from: `Parts.offered`."""
_MOST_KEPT: Final = 64


class DraftHasProblems(Conflict):
    """The version is a draft that is not valid yet."""

    slug = "draft-has-problems"
    zh = "该版本是尚未通过校验的草稿。"


class EvaluateIn(In):
    """Values to grade. Money is told in whole units of the model's currency: as text where a number could round."""

    metrics: dict[str, Any] = Field(
        description="Values by metric key; absent or null is *not known*, which is never a zero.",
        examples=[
            {
                "days_since_last_purchase": 12,
                "purchases_90d": 5,
                "spend_365d": "620000.00",
                "spend_90d": "150000.00",
                "spend_90d_prev": "148000.00",
                "customer_age_days": 900,
            }
        ],
    )
    profile: str | None = Field(None, description="A profile of weights; the model's default without it.")
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        None, description="A version of the model, drafts too; without it the active one, else the newest."
    )


class EvaluationOut(GradeOut):
    """The grade of given values; nothing was stored."""

    model: str
    model_version: int
    profile: str


async def announce_activation(work: UnitOfWork, document: StoredDocument, by: str | None) -> None:
    """Publish `scoring.model.activated.v1` with the activating transaction."""
    model = parse_model(dict(document.body))
    previous: int | None = await work.raw.fetchval(
        "select max(version) from document where kind = $1 and key = $2 and state = 'retired' and retired_at = $3",
        document.kind,
        document.key,
        document.activated_at,
    )
    payload = ModelActivated.model_validate(
        {
            "model": document.key,
            "model_version": document.version,
            "previous_version": previous,
            "activated_at": document.activated_at,
            "activated_by": by,
            "reason": None,
            "tiers": [
                {"tier": tier.key, "rank": tier.rank, "service_class": tier.service_class} for tier in model.tiers
            ],
        }
    )
    subject = f"model:{document.key}"
    work.publish(TOPIC, event_of(payload, id=new_id(), source=SOURCE, subject=subject, time=work.now))


def model_kind() -> DocumentKind:
    """Tier models as versioned documents."""
    example = parse_document((MODELS / "rfm-lifecycle.yaml").read_bytes(), "application/yaml")
    return DocumentKind(
        name=KIND,
        path="/v1/models",
        title="tier models",
        validate=parse_model,
        example=example,
        read_scope="scoring:read",
        write_scope="scoring:model",
        activated=announce_activation,
    )


class _Compiled:
    """Compiled models by the content of their documents: drafts change under one version number."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, CompiledModel] = OrderedDict()

    async def of(self, document: StoredDocument) -> CompiledModel:
        known = self._known.get(document.digest)
        if known is None:
            try:
                known = await asyncio.to_thread(_compile, dict(document.body))
            except InvalidDocument as refusal:
                version = f"version {document.version} of {document.key!r}"
                raise DraftHasProblems(f"{version}: {refusal}", state=document.state) from None
            self._known[document.digest] = known
            if len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(document.digest)
        return known


def _compile(body: dict[str, Any]) -> CompiledModel:
    return compile_model(parse_model(body))


class _Evaluating:
    """The endpoint that grades given values."""

    def __init__(self) -> None:
        self._compiled = _Compiled()

    async def evaluate(self, key: Key, body: EvaluateIn, database: ReadDatabase) -> EvaluationOut:
        """Grade given values by a model and explain the grade; nothing is stored and nobody is told."""
        async with database.read() as connection:
            document = await _version(await raw_connection(connection), key, body.version)
        compiled = await self._compiled.of(document)
        profile = _profile(compiled, body.profile)
        try:
            metrics = read_metrics(compiled.model, body.metrics)
        except InvalidDocument as refusal:
            raise refusal.under("/metrics") from None
        grade = await asyncio.to_thread(evaluate_one, compiled, metrics, profile=profile)
        fields = grade_fields(grade, compiled.model)
        return EvaluationOut(model=key, model_version=document.version, profile=profile, **fields)


async def _version(raw: Any, key: str, version: int | None) -> StoredDocument:
    if version is not None:
        return await store.pinned(raw, KIND, key, version)
    active = await store.active(raw, KIND, key)
    if active is not None:
        return active
    newest = await store.versions(raw, KIND, key, limit=1)
    if not newest:
        raise NotFound(f"there is no model {key!r}")
    return newest[0]


def _profile(compiled: CompiledModel, wanted: str | None) -> str:
    try:
        compiled.outcomes(wanted)
    except UnknownProfile:
        detail = f"one of {', '.join(compiled.profiles)}"
        raise Unprocessable(errors=[FieldError("/profile", "reference", detail)]) from None
    return wanted or compiled.model.default_profile


def model_routers() -> Sequence[Router]:
    """What tier models have besides the routes of documents: `POST /v1/models/{key}/evaluate`."""
    kind = model_kind()
    router = Router(prefix=kind.path, tags=[kind.name], dependencies=[require(kind.read_scope)])
    router.add_api_route(
        "/{key}/evaluate",
        _Evaluating().evaluate,
        methods=["POST"],
        summary="Grade given values",
        openapi_extra={"x-path-examples": {"key": "rfm-lifecycle"}},
    )
    return (router,)
