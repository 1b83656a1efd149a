"""A clock with very many events: each of them costs what it costs on a young clock."""

from services.crisis.documents.clock_events import parse_clock_event, to_clock_event
from services.crisis.documents.targets import parse_policy
from services.crisis.domain.clocks import fold
from shared.contracts.instants import parse_instant
from shared.worktime import Calendar, parse_calendar, publish
from tests.unit.clocks.stories import CALENDARS, long_story


class Asked:
    """A calendar that counts the questions it is asked."""

    def __init__(self, calendar):
        self.calendar, self.questions = calendar, 0

    def __getattr__(self, name):
        self.questions += 1
        return getattr(self.calendar, name)


def folded(length):
    told = long_story(length)
    policies = [parse_policy(one).to_policy() for one in (told["policy"], *told["policies"])]
    asked = Asked(Calendar(publish(parse_calendar(CALENDARS[0]))))
    clocks = fold(
        policies[0],
        [to_clock_event(parse_clock_event(one)) for one in told["events"]],
        calendars={"cn": asked},
        until=parse_instant(told["until"]),
        policies={one.key: one for one in policies},
        segments=True,
    )
    return clocks, asked.questions


def test_ten_times_the_events_ask_the_calendar_ten_times_as_often():
    (few, questions), (many, ten_times) = folded(1_000), folded(10_000)

    assert ten_times < questions * 10.5
    assert (few[0].cycle, many[0].cycle, len(few), len(many)) == (1, 1, 1, 1)
