"""The two kinds of documents of notify, and the books that the services reads them from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.notify.documents import RouteDocument, TemplateModel, parse_route, parse_template
from services.notify.domain.routes import Route
from services.notify.rendering import TemplateDocument
from shared.documents.cache import Documents
from shared.documents.kind import DocumentKind
from shared.documents.store import StoredDocument

ROUTE: Final = "route"
TEMPLATE: Final = "template"

ROUTES: Final = DocumentKind(
    name=ROUTE,
    path="/v1/routes",
    title="routes",
    validate=parse_route,
    example={
        "key": "case-opened",
        "title": "A new case reaches the account manager",
        "order": 110,
        "events": ["crisis.case.opened.v1"],
        "match": {"severity": ["S1", "S2"]},
        "tell": [
            {
                "audience": {"role": "account_manager"},
                "urgency": "critical",
                "template": "case-opened",
                "channels": ["smtp", "webhook"],
                "acknowledge": True,
                "while": ["case_open", "not_acknowledged"],
            }
        ],
        "continue": False,
    },
    read_scope="notify:read",
    write_scope="notify:route",
)
TEMPLATES: Final = DocumentKind(
    name=TEMPLATE,
    path="/v1/templates",
    title="templates",
    validate=parse_template,
    example={
        "key": "case-opened",
        "title": "A case was opened",
        "channels": {
            "smtp": {
                "en": {
                    "subject": "[{{ severity }}] {{ customer_name or customer_id }}: {{ title }}",
                    "text": "{{ event_type | word }} {{ case_number }}, {{ occurred_at | local }}",
                    "html": "<p>{{ title }}</p>",
                }
            }
        },
    },
    read_scope="notify:read",
    write_scope="notify:route",
)
PRESETS: Final = Path(__file__).parent / "presets"
"""Shipped documents: `routes` and `templates`."""


def _route_of(stored: StoredDocument) -> Route:
    return RouteDocument.model_validate({**stored.body, "key": stored.key}).to_domain(stored.version)


def _template_of(stored: StoredDocument) -> TemplateDocument:
    return TemplateModel.model_validate({**stored.body, "key": stored.key}).to_domain(stored.version)


@dataclass(frozen=True, slots=True)
class Books:
    """The routes and templates of a service, as of each transaction that asks."""

    routes: Documents[Route] = field(default_factory=lambda: Documents(ROUTE, _route_of))
    templates: Documents[TemplateDocument] = field(default_factory=lambda: Documents(TEMPLATE, _template_of))
