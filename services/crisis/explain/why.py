"""Why a line is due when it is: which duration, which calendar, from where, and which change brought or moved it."""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from services.crisis.domain.clocks import (
    Behaviour,
    Business,
    BusinessDays,
    CalendarPeriod,
    Elapsed,
    LineResult,
    Reopen,
    Retarget,
    Start,
)
from services.crisis.explain.explained import Explained
from services.crisis.explain.naming import shown
from services.crisis.explain.spans import period_in, span_in
from services.crisis.explain.words import Language, civil
from shared.worktime.zones import zone as zone_named

_MINUTE = 60_000_000
_Both = dict[Language, str]


def why(line: LineResult, of: Explained, zone: ZoneInfo, language: Language) -> str:
    """A few sentences; times in `zone`, dates in the calendar's."""
    sentences = (
        _measure(line, of, zone),
        _brought(line, zone, language),
        *_moved(line, zone, language),
        *_standing(line, of, zone, language),
    )
    return (" " if language == "en" else "").join(sentence[language] for sentence in sentences)


def _measure(line: LineResult, of: Explained, zone: ZoneInfo) -> _Both:
    """The duration, the calendar, and where it is counted from."""
    calendar = line.target.calendar
    key = None if calendar is None else of.about.zones.get(calendar)
    local = zone if key is None else zone_named(key)
    over = "" if calendar is None else shown(calendar)
    en, zh = (civil(line.measured_from, zone, language) for language in ("en", "zh-CN"))
    day = line.measured_from.astimezone(local).date().isoformat()
    place, ort = (f" ({key})", f"（{key}）") if key else ("", "")
    match line.target.duration:
        case Elapsed(micros=whole):
            amount = whole if line.budget is None else line.budget
            return {
                "en": f"{span_in(amount, 'en')} of real time while running, counted from {en}.",
                "zh-CN": f"自 {zh} 起，计时中的自然时间 {span_in(amount, 'zh-CN')}。",
            }
        case Business(micros=whole):
            amount = whole if line.budget is None else line.budget
            return {
                "en": f"{span_in(amount, 'en')} of open time in calendar {over}{place}, counted from {en}.",
                "zh-CN": f"自 {zh} 起，日历 {over}{ort}的工作时间 {span_in(amount, 'zh-CN')}。",
            }
        case BusinessDays() as rule:
            return _business_days(rule, day, f"{over}{place}", f"{over}{ort}")
        case CalendarPeriod() as rule:
            return _period(rule, day, f"{over}{place}", f"{over}{ort}")
        case _:
            assert_never(line.target.duration)


def _business_days(rule: BusinessDays, day: str, over: str, ort: str) -> _Both:
    wall = None if rule.at is None else f"{rule.at // _MINUTE // 60:02d}:{rule.at // _MINUTE % 60:02d}"
    ends = (f"at {wall}", wall) if wall else ("at the end of its last window", "最后一个时段结束时")
    zero = rule.day_zero == "next_open"
    return {
        "en": f"Working day {rule.count} of calendar {over} after {day}"
        f"{' (or the next open date, where that date was over)' if zero else ''}, {ends[0]}.",
        "zh-CN": f"{day}{'（该日已结束则自下一开放日）' if zero else ''}之后"
        f"日历 {ort}的第 {rule.count} 个工作日，{ends[1]}。",
    }


def _period(rule: CalendarPeriod, day: str, over: str, ort: str) -> _Both:
    rolled = {
        "none": ("", ""),
        "forward": (", rolled forward to a working date", "，遇非工作日顺延"),
        "backward": (", rolled back to a working date", "，遇非工作日提前"),
    }[rule.roll]
    ends = {
        "end_of_day": ("until the end of that day", "至当日结束"),
        "same_time": ("at the same wall time", "至当日同一时刻"),
    }[rule.until]
    return {
        "en": f"{period_in(rule.period, 'en')} after {day} in calendar {over}{rolled[0]}, {ends[0]}.",
        "zh-CN": f"{day} 之后 {period_in(rule.period, 'zh-CN')}（日历 {ort}）{rolled[1]}，{ends[1]}。",
    }


def _brought(line: LineResult, zone: ZoneInfo, language: Language) -> _Both:
    """What put the line in force."""
    at = civil(line.brought_by.at, zone, language)
    by, von = ("a target sent along", "随变更给出的目标") if line.policy is None else _policy(line.policy)
    match line.brought_by:
        case Start():
            return {"en": f"In force since the start, by {by}.", "zh-CN": f"自开始时按{von}生效。"}
        case Reopen():
            return {
                "en": f"The reopening at {at} began this cycle with the whole target of {by}.",
                "zh-CN": f"{at} 重新打开，本周期按{von}的完整目标开始。",
            }
        case Retarget(behaviour=behaviour):
            return _retargeted(line, behaviour, (at, by, von))
        case _:
            assert_never(line.brought_by)


def _policy(name: str) -> tuple[str, str]:
    return f"policy {shown(name)}", f"策略 {shown(name)} "


def _retargeted(line: LineResult, behaviour: Behaviour, said: tuple[str, str, str]) -> _Both:
    at, by, von = said
    if behaviour is Behaviour.TIGHTEN_ONLY:
        return {
            "en": f"Added at {at} by {by} (tighten_only) beside what was promised before,"
            " counted as if it had stood from the start of the cycle.",
            "zh-CN": f"{at} 按{von}加入（tighten_only，只收紧），与原承诺并存，并自本周期开始时算起。",
        }
    if behaviour is Behaviour.PRORATE:
        left, whole = line.budget or 0, line.whole or 0
        return {
            "en": f"The change at {at} to {by} (prorate) left {span_in(left, 'en')} of {span_in(whole, 'en')}:"
            " the share that the earliest line had left.",
            "zh-CN": f"{at} 变更为{von}（prorate，按剩余比例折算）：{span_in(whole, 'zh-CN')}"
            f"中尚余 {span_in(left, 'zh-CN')}。",
        }
    if behaviour is Behaviour.RESTART_NOW:
        return {
            "en": f"The change at {at} to {by} (restart_now) ended the cycle before and began this one.",
            "zh-CN": f"{at} 变更为{von}（restart_now，立即重新开始）：结束上一周期，开始本周期。",
        }
    return {
        "en": f"Replaced what was promised before, at {at}, by {by} ({behaviour.value}),"
        " counted as if it had stood from the start of the cycle.",
        "zh-CN": f"{at} 由{von}取代原承诺（{behaviour.value}），并自本周期开始时算起。",
    }


def _moved(line: LineResult, zone: ZoneInfo, language: Language) -> Iterator[_Both]:
    """Pauses and approved extensions."""

    def shown_at(instant: datetime) -> str:
        return civil(instant, zone, language)

    if line.due_if_resumed_now != line.due_without_halts:
        before, after = shown_at(line.due_without_halts), shown_at(line.due_if_resumed_now)
        yield {
            "en": f"Time paused or stopped has moved it from {before} to {after}.",
            "zh-CN": f"暂停或停止的时间使其由 {before} 移至 {after}。",
        }
    for at, to in line.extensions:
        yield {
            "en": f"The extension approved at {shown_at(at)} moved it to {shown_at(to)}.",
            "zh-CN": f"{shown_at(at)} 批准的延期使其移至 {shown_at(to)}。",
        }


def _standing(line: LineResult, of: Explained, zone: ZoneInfo, language: Language) -> Iterator[_Both]:
    """How it stands now, and whether it is the one that counts."""
    if line.due_at is None:
        due = civil(line.due_if_resumed_now, zone, language)
        yield {
            "en": f"While paused it has no due instant; resumed now it would be due at {due}.",
            "zh-CN": f"暂停期间没有到期时间；若现在恢复，将于 {due} 到期。",
        }
    if len(of.result.lines) > 1:
        governs = line.governs
        yield {
            "en": "The earliest line: it gives the due instant." if governs else "Another line is due earlier.",
            "zh-CN": "最早的一条，决定到期时间。" if governs else "另有一条更早到期。",
        }
