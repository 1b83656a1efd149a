"""Words in both languages for the terms of clocks; what people wrote themselves (reasons, names) stays as it is."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

Language = Literal["zh-CN", "en"]

TERMS: Final[dict[str, str]] = {
    "in_progress": "进行中",
    "paused": "已暂停",
    "completed": "已完成",
    "cancelled": "已取消",
    "open": "未结",
    "met": "按时完成",
    "missed": "超时完成",
    "void": "作废",
    "on_track": "正常",
    "at_risk": "有风险",
    "overdue": "已超时",
    "counted": "计时",
    "closed": "非工作时间",
    "stopped": "已停止",
    "running": "计时中",
    "outside hours": "非工作时间",
    "weekend": "周末",
    "day off": "休息日",
    "exception": "特别安排",
    "start": "开始",
    "pause": "暂停",
    "resume": "恢复",
    "stop": "停止",
    "cancel": "取消",
    "retarget": "变更承诺",
    "reopen": "重新打开",
    "extend": "延期",
    "repin": "改用其他版本重算",
    "keep": "保持不变",
    "retarget_from_start": "自起点按新承诺重算",
    "restart_now": "立即重新开始",
    "prorate": "按剩余比例折算",
    "tighten_only": "只收紧",
    "service": "客服",
    "quality": "质量",
    "legal": "法务",
    "marketing": "市场",
    "sales": "销售",
    "executives": "高管",
    "waiting_for_customer": "等待客户",
    "waiting_for_evidence": "等待客户提供材料",
    "waiting_for_supplier": "等待供应商",
    "waiting_for_carrier": "等待承运商",
    "waiting_for_cause": "等待查明原因",
    "waiting_for_vendor": "等待供应商",
    "waiting_for_third_party": "等待第三方",
}
"""The Chinese word for each English term of the engine; English is shown as it is, with spaces for underscores."""

_TARGETS: Final[dict[str, str]] = {
    "acknowledge": "受理",
    "first_response": "首次响应",
    "next_response": "后续响应",
    "update_cadence": "进展通报",
    "initial_resolution": "初步解决",
    "resolution": "解决",
    "follow_up": "回访",
    "retrospective": "复盘",
    "statutory_acknowledge": "法定受理",
    "statutory_response": "法定答复",
    "statutory_update": "法定进展通报",
    "final_answer": "最终答复",
    "extension_notice": "延期告知",
    "task:cause_analysis": "原因分析",
    "task:legal_review": "法务审核",
    "task:public_statement": "对外声明",
    "task:recovery_offer": "挽回方案",
    "task:executive_visit": "高管拜访",
}

BREACH: Final[dict[str, dict[Language, str]]] = {
    "due": {"en": "the due instant passed", "zh-CN": "已过到期时间"},
    "retarget": {
        "en": "a change of the promise put the due instant into the past",
        "zh-CN": "变更承诺后到期时间已在过去",
    },
    "reopen": {"en": "when it was reopened, the due instant had passed", "zh-CN": "重新打开时到期时间已过"},
}

_HOLIDAYS: Final[dict[str, str]] = {
    "New Year's Day": "元旦",
    "Chinese New Year's Eve": "除夕",
    "Chinese New Year (Spring Festival)": "春节",
    "Tomb-Sweeping Day": "清明节",
    "Labor Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-Autumn Festival": "中秋节",
    "National Day": "国庆节",
}
_NO_NAMES: Final[Mapping[str, Mapping[str, str]]] = {}
_IN_LIEU: Final = re.compile(r"Day off \(substituted from (\d\d)/(\d\d)/(\d{4})\)")
_WEEKDAYS: Final[dict[Language, str]] = {
    "en": "Mon Tue Wed Thu Fri Sat Sun",
    "zh-CN": "周一 周二 周三 周四 周五 周六 周日",
}


def term(word: str, language: Language) -> str:
    """A term of the engine for people."""
    if language == "zh-CN":
        return TERMS.get(word, word)
    return word.replace("_", " ")


def target_in(target: str, language: Language) -> str:
    """What was promised; in Chinese with its words before the name that documents give it, where there are words."""
    if language == "zh-CN" and target in _TARGETS:
        return f"{_TARGETS[target]}（{target}）"
    return target


Names = Mapping[str, Mapping[str, str]]
"""What documents call the reasons for waiting: by code, then by language."""


def reason_in(reason: str, language: Language, names: Names = _NO_NAMES) -> str:
    """Why a stretch counted or not. A holiday is named; several pause reasons stay one after the other.

    A reason for waiting is called as `names` says; a code that nobody named stays as it is.
    """
    kind, _, name = reason.partition(": ")
    if kind == "holiday" and name:
        return f"{'节假日：' if language == 'zh-CN' else 'holiday: '}{_holiday(name, language)}"
    if kind == "exception" and name:
        return f"{'特别安排：' if language == 'zh-CN' else 'exception: '}{name}"
    separator = "、" if language == "zh-CN" else ", "
    return separator.join(names.get(one, {}).get(language) or term(one, language) for one in reason.split(", "))


def weekday(instant: datetime, zone: ZoneInfo, language: Language) -> str:
    """The name of the local weekday."""
    return weekday_of(instant.astimezone(zone), language)


def weekday_of(day: date, language: Language) -> str:
    """The name of a date's weekday."""
    return _WEEKDAYS[language].split()[day.weekday()]


def civil(instant: datetime, zone: ZoneInfo, language: Language) -> str:
    """`2026-02-13 17:00:00 +08:00 Fri`: the local wall time with its offset; a fraction only where there is one."""
    local = instant.astimezone(zone)
    date_and_time, offset = local.isoformat(" ")[:-6], local.isoformat()[-6:]
    if local.microsecond:
        date_and_time = date_and_time.rstrip("0")
    return f"{date_and_time} {offset} {weekday(instant, zone, language)}"


def _holiday(name: str, language: Language) -> str:
    found = _IN_LIEU.fullmatch(name)
    if found is not None:
        day = f"{found[3]}-{found[1]}-{found[2]}"
        return f"调休（{day} 上班）" if language == "zh-CN" else f"day off (worked on {day} instead)"
    if language == "en":
        return name
    plain = name.removesuffix(" (observed)")
    if plain not in _HOLIDAYS:
        return name
    return _HOLIDAYS[plain] + ("（补休）" if plain != name else "")
