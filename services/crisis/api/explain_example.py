"""The worked example of the explanation, as the engine answers it (a test holds it to that)."""

from typing import Any, Final

EXAMPLE: Final[dict[str, Any]] = {
    "case_id": "case-1",
    "number": "CR-2026-000117",
    "zone": "Asia/Shanghai",
    "at": "2026-02-14T02:00:00Z",
    "at_local": "2026-02-14T10:00:00+08:00",
    "clocks": [
        {
            "id": "clock-first_response",
            "case_id": "case-1",
            "matter_id": None,
            "policy": "key",
            "policy_version": None,
            "calendar": "cn-office",
            "calendar_version": None,
            "health": "at_risk",
            "statutory": False,
            "department": None,
            "regime": None,
            "source": None,
            "target": "first_response",
            "cycle": 1,
            "stage": "in_progress",
            "result": "open",
            "has_breached": False,
            "breach_cause": None,
            "started_at": "2026-02-13T08:00:00Z",
            "due_at": "2026-02-14T03:00:00Z",
            "due_if_resumed_now": "2026-02-14T03:00:00Z",
            "provisional": False,
            "breached_at": None,
            "stopped_at": None,
            "warnings": [{"threshold": "50%", "at": "2026-02-13T10:00:00Z", "at_local": "2026-02-13T18:00:00+08:00"}],
            "elapsed_seconds": 10800.0,
            "paused_seconds": 0.0,
            "closed_seconds": 54000.0,
            "segments": [
                {
                    "from": "2026-02-13T08:00:00Z",
                    "to": "2026-02-13T10:00:00Z",
                    "from_local": "2026-02-13T16:00:00+08:00",
                    "to_local": "2026-02-13T18:00:00+08:00",
                    "state": "counted",
                    "reason": "running",
                    "seconds": 7200.0,
                },
                {
                    "from": "2026-02-13T10:00:00Z",
                    "to": "2026-02-14T01:00:00Z",
                    "from_local": "2026-02-13T18:00:00+08:00",
                    "to_local": "2026-02-14T09:00:00+08:00",
                    "state": "closed",
                    "reason": "outside hours",
                    "seconds": 54000.0,
                },
                {
                    "from": "2026-02-14T01:00:00Z",
                    "to": "2026-02-14T02:00:00Z",
                    "from_local": "2026-02-14T09:00:00+08:00",
                    "to_local": "2026-02-14T10:00:00+08:00",
                    "state": "counted",
                    "reason": "running",
                    "seconds": 3600.0,
                },
            ],
            "local": {
                "started_at": "2026-02-13T16:00:00+08:00",
                "due_at": "2026-02-14T11:00:00+08:00",
                "due_if_resumed_now": "2026-02-14T11:00:00+08:00",
                "breached_at": None,
                "stopped_at": None,
            },
            "lines": [
                {
                    "governs": True,
                    "policy": "key",
                    "policy_version": None,
                    "calendar": "cn-office",
                    "calendar_version": None,
                    "zone": "Asia/Shanghai",
                    "target": {
                        "kind": "business",
                        "seconds": 14400.0,
                        "seconds_left_at_origin": 14400.0,
                        "warnings": ["50%", "90%"],
                    },
                    "brought_by": {
                        "type": "start",
                        "behaviour": None,
                        "at": "2026-02-13T08:00:00Z",
                        "at_local": "2026-02-13T16:00:00+08:00",
                    },
                    "measured_from": "2026-02-13T08:00:00Z",
                    "measured_from_local": "2026-02-13T16:00:00+08:00",
                    "due_at": "2026-02-14T03:00:00Z",
                    "due_at_local": "2026-02-14T11:00:00+08:00",
                    "due_if_resumed_now": "2026-02-14T03:00:00Z",
                    "due_without_halts": "2026-02-14T03:00:00Z",
                    "extensions": [],
                    "why": {
                        "en": "4 h of open time in calendar cn-office (Asia/Shanghai), counted from "
                        "2026-02-13 16:00:00 +08:00 Fri. In force since the start, by policy key.",
                        "zh-CN": "自 2026-02-13 16:00:00 +08:00 周五 起，日历 cn-office（Asia/Shanghai）的工作时间 4 "
                        "小时。自开始时按策略 key 生效。",
                    },
                }
            ],
            "ahead": [
                {
                    "from": "2026-02-14T02:00:00Z",
                    "to": "2026-02-14T03:00:00Z",
                    "from_local": "2026-02-14T10:00:00+08:00",
                    "to_local": "2026-02-14T11:00:00+08:00",
                    "state": "counted",
                    "reason": "running",
                    "seconds": 3600.0,
                }
            ],
            "days_off": [],
            "make_up_workdays": ["2026-02-14"],
            "sums": {
                "counted_us": 10800000000,
                "closed_us": 54000000000,
                "paused_us": 0,
                "paused_by_reason_us": {},
                "stopped_us": 0,
                "real_us": 64800000000,
                "adds_up": True,
            },
            "planned_warnings": [
                {"threshold": "90%", "at": "2026-02-14T02:36:00Z", "at_local": "2026-02-14T10:36:00+08:00"}
            ],
            "breach": None,
            "pins": [{"policy": "key", "version": None, "calendars": []}],
            "events": [
                {
                    "seq": 1,
                    "type": "start",
                    "at": "2026-02-13T08:00:00Z",
                    "at_local": "2026-02-13T16:00:00+08:00",
                    "recorded_at": "2026-02-13T08:00:00Z",
                    "retroactive": False,
                    "actor": "E-1042",
                    "cause": None,
                    "policy": None,
                    "policy_version": None,
                    "detail": {},
                }
            ],
        }
    ],
}

EXAMPLE_TEXT: Final = """\
个案 CR-2026-000117 的时钟说明
时间按 Asia/Shanghai 显示 · 截至 2026-02-14 10:00:00 +08:00 周六

首次响应（first_response） · 第 1 周期 · 进行中 · 有风险
========================================================
  承诺  策略 key · 日历 cn-office (Asia/Shanghai)
  开始  2026-02-13 16:00:00 +08:00 周五
  到期  2026-02-14 11:00:00 +08:00 周六
  结果  未结

时限线
  1. 2026-02-14 11:00:00 +08:00 周六
     自 2026-02-13 16:00:00 +08:00 周五 起，日历 cn-office（Asia/Shanghai）的工作时间 4 小时。自开始时按策略 key 生效。

时段
  2026-02-13 16:00:00 +08:00 周五  →  2026-02-13 18:00:00 +08:00 周五  计时        2 小时
  2026-02-13 18:00:00 +08:00 周五  →  2026-02-14 09:00:00 +08:00 周六  非工作时间  15 小时  非工作时间
  2026-02-14 09:00:00 +08:00 周六  →  2026-02-14 10:00:00 +08:00 周六  计时        1 小时

到期前日历 cn-office 的休息日
  2026-02-14 周六: 调休上班日，按工作日计

合计
  计时 3 小时 + 非工作时间 15 小时 = 实际时间 18 小时 （精确到微秒）

预警
  50%  2026-02-13 18:00:00 +08:00 周五  已发出
  90%  2026-02-14 10:36:00 +08:00 周六  计划中

事件记录
  #1  2026-02-13 16:00:00 +08:00 周五  开始  操作人 E-1042
"""
