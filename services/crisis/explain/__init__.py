"""Explaining clocks: why each line is due when it is, and each stretch counted or not, as JSON, text and picture.

The numbers are the fold's (`fold(…, segments=True, lines=True)`); here they are only put into words and drawn::

    explained = explain_clock(results, at=now, calendars=…, about=About(…))   # one for each cycle
    explanation = Explanation(case_id=…, number=…, at=now, zone=zone("Asia/Shanghai"), clocks=…)
    as_json(explanation)                  # for programs
    as_text(explanation, "zh-CN")         # for people; also "en"
    as_svg(explanation, "en")             # a time strip for each clock
"""

from services.crisis.explain.as_json import as_json
from services.crisis.explain.as_svg import as_svg
from services.crisis.explain.as_text import as_text
from services.crisis.explain.explained import About, Explained, Explanation, explain_clock
from services.crisis.explain.words import Language

__all__ = ["About", "Explained", "Explanation", "Language", "as_json", "as_svg", "as_text", "explain_clock"]
