"""The models that grade now: the active version of each document, compiled once per version and process."""

from dataclasses import dataclass

import orjson

from services.scoring.documents.models import parse_model
from services.scoring.domain.evaluator import CompiledModel, compile_model
from services.scoring.domain.standing import Applying
from services.scoring.store.raw import Raw

KIND = "tier-model"
"""The kind of these documents in the `document` table."""
_ACTIVE = "select key, version from document where kind = $1 and state = 'active' order by key"
_BODY = "select body::text from document where kind = $1 and key = $2 and version = $3"


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """One version of a model, ready to grade."""

    key: str
    version: int
    compiled: CompiledModel

    @property
    def applying(self) -> Applying:
        return Applying(self.key, self.compiled.segment, self.compiled.priority)


class Models:
    """Finds the active models. Asked in every transaction, so that all replicas change over with the activation."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, int], ActiveModel] = {}

    async def active(self, raw: Raw) -> tuple[ActiveModel, ...]:
        """The active models by key, as this transaction sees them."""
        return tuple([await self.version(raw, row[0], row[1]) for row in await raw.fetch(_ACTIVE, KIND)])

    async def version(self, raw: Raw, key: str, version: int) -> ActiveModel:
        """One version of a model, which never changes once it was active. Raises LookupError when there is none."""
        known = self._compiled.get((key, version))
        if known is None:
            body = await raw.fetchval(_BODY, KIND, key, version)
            if body is None:
                raise LookupError(f"there is no version {version} of the model {key}")
            known = ActiveModel(key, version, compile_model(parse_model(orjson.loads(body))))
            self._compiled[key, version] = known
        return known
