"""Departments in documents: the target's own, else the policy's; they change no instant."""

import copy
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.crisis.documents.simulation import simulate
from services.crisis.documents.statutory_packs import parse_statutory_pack
from services.crisis.documents.targets import parse_policy
from shared.documents import InvalidDocument
from tests.support.crisis_books import documents
from tests.unit.clocks.stories import story

TWO = {"acknowledge": {"elapsed": "PT1H"}, "task:legal_review": {"elapsed": "PT8H", "department": "法务部"}}


def owed(document):
    return {name: target.department for name, target in document.to_policy().targets.items()}


def test_a_target_is_owed_by_its_own_department_else_by_that_of_the_policy_else_by_none():
    assert owed(parse_policy({"key": "k", "targets": TWO})) == {"acknowledge": None, "task:legal_review": "法务部"}
    assert owed(parse_policy({"key": "k", "department": "service", "targets": TWO})) == {
        "acknowledge": "service", "task:legal_review": "法务部",
    }  # fmt: skip


@pytest.mark.parametrize("wrong", ["", "x" * 65, "a\nb", 7])
def test_a_department_is_a_short_word_on_one_line(wrong):
    with pytest.raises(InvalidDocument) as refused:
        parse_policy({"key": "k", "department": wrong, "targets": TWO})

    assert [error.pointer for error in refused.value.errors] == ["/department"]


def test_every_shipped_promise_and_limit_by_law_says_who_owes_it():
    policies = [parse_policy(raw) for raw in documents("policies")]
    packs = [parse_statutory_pack(raw) for raw in documents("statutory-packs")]

    departments = {department for document in (*policies, *packs) for department in owed(document).values()}
    assert departments == {"service", "quality", "legal", "marketing", "sales", "executives"}


@given(st.integers(0, 2**48))
@settings(max_examples=25, deadline=None)
def test_a_simulation_answers_the_same_whoever_owes_what(seed):
    plain = story(random.Random(seed))
    source = random.Random(seed)
    named = copy.deepcopy(plain)
    for policy in (named["policy"], *named.get("policies", ())):
        policy["department"] = source.choice(("service", "sales"))
        for target in policy["targets"].values():
            if source.random() < 0.5:
                target["department"] = source.choice(("quality", "legal"))
    named["policies"] = [other for other in named.get("policies", ()) if other["key"] != named["policy"]["key"]]

    assert said(named) == said(plain)


def said(body):
    try:
        return simulate(body)
    except InvalidDocument as error:
        return [(one.rule, one.detail) for one in error.errors]
