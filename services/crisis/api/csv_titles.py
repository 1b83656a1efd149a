"""The columns of tables in Chinese; a column without words keeps its name."""

from typing import Final

_ZH: Final[dict[str, str]] = {
    # what is grouped by
    "service_class": "服务等级",
    "policy": "服务策略",
    "target": "承诺目标",
    "type": "危机类型",
    "severity": "严重程度",
    "owner": "个案负责人",
    "statutory": "法定时限",
    "department": "责任部门",
    "cohort": "统计周期起始日",
    # attainment
    "clocks": "时钟数",
    "met": "按时完成",
    "breached_closed": "超时已完成",
    "breached_open": "超时未完成",
    "running": "进行中",
    "running_paused": "其中暂停",
    "cancelled": "已取消",
    "void": "作废",
    "excluded": "不计入",
    "ratio_ended": "达成率（已结束）",
    "ratio_due": "达成率（已到期）",
    "overrun_p50_seconds": "超时时长中位数（秒）",
    "overrun_p90_seconds": "超时时长 P90（秒）",
    "open_overrun_p50_seconds": "未完成超时中位数（秒）",
    "open_overrun_p90_seconds": "未完成超时 P90（秒）",
    "pause_share": "暂停占比",
    # handling time
    "matters": "事项数",
    "mean_hours": "平均处理时长（小时）",
    "p50_hours": "处理时长中位数（小时）",
    "p90_hours": "处理时长 P90（小时）",
    "within_yardstick": "达到目标值",
    # fairness
    "statutory_kept": "法定时限全部遵守",
    "statutory_gap": "与最佳等级差距",
    # waiting
    "reason": "等待原因代码",
    "who": "等待方",
    "for_whom": "被等待方",
    "ended_because": "结束原因",
    "name_zh": "等待原因",
    "name_en": "等待原因（英文）",
    "waits": "等待次数",
    "ended": "已结束",
    "open": "等待中",
    "cases": "个案数",
    "approved": "经批准",
    "beyond_limit": "超出上限",
    "at_limit": "到上限结束",
    "answered_share": "上限前结束占比",
    "ended_seconds": "已结束总时长（秒）",
    "ended_p50_seconds": "已结束中位数（秒）",
    "ended_p90_seconds": "已结束 P90（秒）",
    "open_seconds": "等待中总时长（秒）",
    "open_p50_seconds": "等待中中位数（秒）",
    "open_p90_seconds": "等待中 P90（秒）",
    "longest_seconds": "最长（秒）",
}
_PREFIXES: Final = {"statutory_": "法定·", "promised_": "承诺·"}


def title(column: str) -> str:
    """The column in Chinese."""
    if column in _ZH:
        return _ZH[column]
    for prefix, words in _PREFIXES.items():
        if column.startswith(prefix):
            return words + title(column.removeprefix(prefix))
    return column
