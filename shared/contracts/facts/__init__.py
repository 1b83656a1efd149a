"""Facts about customers (`moat.facts.v1`): what other systems tell us, on Kafka or over HTTP."""

from shared.contracts.facts.agreements import (
    ContractBreachReported,
    ContractMilestoneMissed,
    ContractSigned,
    ContractTerminated,
    CreditAssessed,
)
from shared.contracts.facts.profile import (
    RATING_DIMENSIONS,
    Contact,
    CustomerErased,
    CustomerMerged,
    DecisionMaker,
    Needs,
    ProfileUpdated,
    RatingGiven,
)
from shared.contracts.facts.trade import Instalment, InvoiceIssued, InvoicePaid, OrderPlaced, OrderRefunded
from shared.contracts.facts.voice import (
    ComplaintReceived,
    ComplaintUpdated,
    ComplaintWithdrawn,
    InteractionLogged,
    OpinionMentioned,
    SurveyAnswered,
)
from shared.contracts.registry import EventType

_TOPIC = "moat.facts.v1"
_PRODUCER = "other systems"


def _fact(type_: str, model: type, *, to: str, when: str) -> EventType:
    return EventType(
        type=type_,
        model=model,
        topic=_TOPIC,
        producer=_PRODUCER,
        consumers=tuple(to.split()),
        when=when,
        status="frozen",
        from_outside=True,
    )


EVENTS = (
    _fact("customer.profile.updated.v1", ProfileUpdated, to="scoring", when="Master data of a customer changed."),
    _fact("customer.order.placed.v1", OrderPlaced, to="scoring", when="A customer bought something."),
    _fact("customer.order.refunded.v1", OrderRefunded, to="scoring", when="An order was refunded or cancelled."),
    _fact("customer.invoice.issued.v1", InvoiceIssued, to="scoring", when="An invoice was sent."),
    _fact("customer.invoice.paid.v1", InvoicePaid, to="scoring crisis", when="A payment for an invoice arrived."),
    _fact(
        "customer.interaction.logged.v1",
        InteractionLogged,
        to="scoring crisis",
        when="Somebody spoke with the customer.",
    ),
    _fact("customer.complaint.received.v1", ComplaintReceived, to="scoring crisis", when="The customer complained."),
    _fact(
        "customer.complaint.updated.v1",
        ComplaintUpdated,
        to="scoring crisis",
        when="More became known about a complaint.",
    ),
    _fact(
        "customer.complaint.withdrawn.v1",
        ComplaintWithdrawn,
        to="scoring crisis",
        when="The customer took a complaint back.",
    ),
    _fact(
        "customer.opinion.mentioned.v1",
        OpinionMentioned,
        to="scoring crisis",
        when="Somebody wrote in public about us and the customer.",
    ),
    _fact("customer.survey.answered.v1", SurveyAnswered, to="scoring crisis", when="The customer answered a survey."),
    _fact(
        "customer.credit.assessed.v1", CreditAssessed, to="scoring crisis", when="A credit rating was given or renewed."
    ),
    _fact("customer.contract.signed.v1", ContractSigned, to="scoring crisis", when="A contract was signed."),
    _fact(
        "customer.contract.milestone_missed.v1",
        ContractMilestoneMissed,
        to="scoring crisis",
        when="A milestone of a contract passed without being reached.",
    ),
    _fact(
        "customer.contract.breach_reported.v1",
        ContractBreachReported,
        to="scoring crisis",
        when="One side is said to have broken a contract.",
    ),
    _fact("customer.contract.terminated.v1", ContractTerminated, to="scoring crisis", when="A contract was ended."),
    _fact("customer.rating.given.v1", RatingGiven, to="scoring", when="An expert rated the customer on one dimension."),
    _fact(
        "customer.merged.v1",
        CustomerMerged,
        to="scoring crisis notify",
        when="Two records turned out to be one customer; the subject is the one that ends.",
    ),
    _fact(
        "customer.erased.v1",
        CustomerErased,
        to="scoring crisis notify",
        when="The right to erasure was granted: personal data goes, figures stay under a pseudonym.",
    ),
)

__all__ = [
    "EVENTS",
    "RATING_DIMENSIONS",
    "ComplaintReceived",
    "ComplaintUpdated",
    "ComplaintWithdrawn",
    "Contact",
    "ContractBreachReported",
    "ContractMilestoneMissed",
    "ContractSigned",
    "ContractTerminated",
    "CreditAssessed",
    "CustomerErased",
    "CustomerMerged",
    "DecisionMaker",
    "Instalment",
    "InteractionLogged",
    "InvoiceIssued",
    "InvoicePaid",
    "Needs",
    "OpinionMentioned",
    "OrderPlaced",
    "OrderRefunded",
    "ProfileUpdated",
    "RatingGiven",
    "SurveyAnswered",
]
