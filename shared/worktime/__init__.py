"""Working time: calendar documents, their published versions, and exact open time in integer microseconds.

How to call it::

    document = parse_calendar(yaml_or_json)      # CalendarDocument; InvalidDocument names place and rule
    version = publish(document)                  # PublishedCalendar: holidays written down; store its to_json()
    calendar = Calendar(version)                 # compiled lazily; keep one per version
    require_open_time(calendar, effective=…)     # refuses a calendar that never opens
    calendar.add_open_time(origin, micros)       # None where twenty years do not hold it
    preview_month(calendar, 2026, 10)            # each day: windows, open time, why it is closed or special
    import_icalendar(text, zone=document.zone)   # exceptions; InvalidDocument names what cannot be taken
"""

from shared.worktime.compiled import Calendar, always, require_open_time
from shared.worktime.document import ALWAYS, CalendarDocument, CalendarException, HolidayRule, parse_calendar
from shared.worktime.ical_export import export_icalendar
from shared.worktime.ical_import import Imported, import_icalendar
from shared.worktime.preview import DayPreview, preview_month
from shared.worktime.published import PublishedCalendar, publish

__all__ = [
    "ALWAYS",
    "Calendar",
    "CalendarDocument",
    "CalendarException",
    "DayPreview",
    "HolidayRule",
    "Imported",
    "PublishedCalendar",
    "always",
    "export_icalendar",
    "import_icalendar",
    "parse_calendar",
    "preview_month",
    "publish",
    "require_open_time",
]
