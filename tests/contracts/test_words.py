"""Refusals of documents and requests speak of JSON, never of the library that read it."""

import pytest
from pydantic import ValidationError

from services.crisis.documents.targets import PolicyDocument
from shared.contracts.errors import words_of

HOUR = {"elapsed": "PT1H"}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "an object is expected here"),
        ({"key": "k", "targets": {}}, "at least 1 entry is expected here"),
        ({"key": "", "targets": {"r": HOUR}}, "at least 1 character is expected here"),
        ({"key": 7, "targets": {"r": HOUR}}, "text is expected here"),
        ({"key": "k", "targets": {"r": {**HOUR, "warn": "50%"}}}, "a list is expected here"),
        ({"key": "k", "targets": {"r": HOUR}, "colour": "red"}, "there is no such field here"),
        ({"targets": {"r": HOUR}}, "required, but not there"),
        (
            {"key": "k", "targets": {"r": HOUR}, "reopen": "later"},
            "'resume', 'resume_including_closed', 'new_cycle' or 'invalidate_previous' is expected here",
        ),
        ({"key": "k" * 101, "targets": {"r": HOUR}}, "at most 100 characters are expected here"),
        ({"key": "k", "targets": {"r": {"business_days": 0, "calendar": "c"}}}, "at least 1 is expected here"),
        ({"key": "k", "targets": {"r": {"business_days": "x", "calendar": "c"}}}, "a whole number is expected here"),
    ],
)
def test_a_refusal_says_what_is_expected(document, words):
    with pytest.raises(ValidationError) as refusal:
        PolicyDocument.model_validate(document)

    assert [words_of(problem) for problem in refusal.value.errors()] == [words]
