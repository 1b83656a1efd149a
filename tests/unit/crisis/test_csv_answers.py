"""Tables that are opened in a spreadsheet, and who is answered one."""

import csv
import io
from datetime import UTC, datetime

import pytest

from services.crisis.api.csv_answers import _wants_csv, cell, csv_answer


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1+1"])
def test_text_that_a_spreadsheet_would_run_is_made_text(text):
    assert cell(text) == "'" + text


@pytest.mark.parametrize("value", ["key", "a=b", "", 1, -1.5, 0])
def test_other_values_stay_as_they_are(value):
    assert cell(value) == value


def test_what_is_not_there_is_empty_and_instants_are_utc():
    assert (cell(None), cell(True), cell(False)) == ("", "true", "false")
    assert cell(datetime(2026, 3, 2, 2, tzinfo=UTC)) == "2026-03-02T02:00:00Z"


def test_commas_quotes_and_line_breaks_survive_the_table():
    answer = csv_answer("owners", ["owner", "n"], [{"owner": 'Li, "the\nboss"', "n": 1}])

    assert list(csv.reader(io.StringIO(answer.body.decode(), newline=""))) == [
        ["owner", "n"],
        ['Li, "the\nboss"', "1"],
    ]
    assert answer.headers["content-disposition"] == 'attachment; filename="owners.csv"'


@pytest.mark.parametrize(
    ("format_", "accept", "wanted"),
    [
        (None, "", False),
        (None, "*/*", False),
        (None, "application/json", False),
        (None, "text/csv", True),
        (None, "application/json;q=0.5, text/csv", True),
        (None, "text/csv;q=0.5, application/json", False),
        (None, "text/csv;q=nonsense", False),
        ("csv", "application/json", True),
        ("json", "text/csv", False),
    ],
)
async def test_the_parameter_wins_over_what_the_caller_accepts(format_, accept, wanted):
    assert await _wants_csv(format_, accept) is wanted
