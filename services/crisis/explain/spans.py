"""Lengths of time in words: exact to the microsecond; the largest unit is the hour (a day is not 24 hours)."""

from services.crisis.domain.clocks import Period
from services.crisis.domain.clocks.instants import SECOND
from services.crisis.explain.words import Language


def span_in(micros: int, language: Language) -> str:
    """`4 h 30 min`, `15 s`, `0.25 s`; in Chinese `4 小时 30 分`. Zero is `0 s`."""
    sign, micros = ("-" if micros < 0 else ""), abs(micros)
    seconds, fraction = divmod(micros, SECOND)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    tail = f"{second}" + (f".{fraction:06d}".rstrip("0") if fraction else "")
    units = ("h", "min", "s") if language == "en" else ("小时", "分", "秒")
    parts = [(str(hours), units[0]), (str(minute), units[1]), (tail, units[2])]
    said = [f"{amount} {unit}" for amount, unit in parts if amount != "0"]
    return sign + (" ".join(said) or f"0 {units[2]}")


def period_in(period: Period, language: Language) -> str:
    """`1 month 15 days`; in Chinese `1 个月 15 天`."""
    counts = (period.years, period.months, period.weeks, period.days)
    english, chinese = ("year", "month", "week", "day"), ("年", "个月", "周", "天")
    if language == "zh-CN":
        return " ".join(f"{count} {unit}" for count, unit in zip(counts, chinese, strict=True) if count)
    named = ((count, unit + ("" if count == 1 else "s")) for count, unit in zip(counts, english, strict=True) if count)
    return " ".join(f"{count} {unit}" for count, unit in named)
