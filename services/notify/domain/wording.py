"""The words people read for our codes, in Chinese and English; a code without words is shown as it is."""

from typing import Final

LOCALES: Final = ("zh-CN", "en")
DEFAULT_LOCALE: Final = "zh-CN"

_WORDS: Final[dict[str, tuple[str, str]]] = {
    # service classes
    "strategic": ("战略客户", "strategic"),
    "key": ("重点客户", "key"),
    "standard": ("普通客户", "standard"),
    "basic": ("基础客户", "basic"),
    # kinds of crisis
    "complaint": ("客户投诉", "complaint"),
    "tier_drop": ("分层下降", "tier drop"),
    "opinion": ("负面舆情", "negative opinion"),
    "churn_risk": ("流失风险", "churn risk"),
    "manual": ("人工登记", "opened by hand"),
    # targets
    "acknowledge": ("确认收到", "acknowledgement"),
    "first_response": ("首次响应", "first response"),
    "next_response": ("后续响应", "next response"),
    "update_cadence": ("进展通报", "progress update"),
    "initial_resolution": ("初步解决", "initial resolution"),
    "resolution": ("彻底解决", "resolution"),
    "task:cause_analysis": ("原因分析", "cause analysis"),
    "task:legal_review": ("法务审核", "legal review"),
    "task:public_statement": ("对外声明", "public statement"),
    "task:recovery_offer": ("挽回方案", "recovery offer"),
    "task:executive_visit": ("高管拜访", "executive visit"),
    # roles
    "account_manager": ("客户经理", "account manager"),
    "team_lead": ("团队负责人", "team lead"),
    "department_head": ("部门负责人", "department head"),
    "executive_sponsor": ("高管责任人", "executive sponsor"),
    "ceo": ("总经理", "chief executive"),
    "legal": ("法务", "legal"),
    # stages
    "warning": ("预警", "warning"),
    "assessment": ("评估", "assessment"),
    "intervention": ("干预", "intervention"),
    "repair": ("修复", "repair"),
    "retrospective": ("复盘", "retrospective"),
    "closed": ("已关闭", "closed"),
    "dismissed": ("已撤销", "dismissed"),
    # reasons of escalation
    "not_acknowledged": ("无人确认", "nobody acknowledged"),
    "breach": ("承诺超时", "a promise was broken"),
    "undeliverable": ("通知无法送达", "nobody could be reached"),
    "broken_promise": ("承诺未兑现", "a promise to the customer was broken"),
    "relapse": ("问题复发", "relapse"),
    # events
    "crisis.case.opened.v1": ("新的客户危机", "New customer crisis"),
    "crisis.case.severity_changed.v1": ("危机级别变化", "Severity changed"),
    "crisis.case.reopened.v1": ("危机重新打开", "Case reopened"),
    "crisis.case.resolved.v1": ("危机已解决", "Case resolved"),
    "crisis.case.closed.v1": ("危机已关闭", "Case closed"),
    "crisis.matter.opened.v1": ("新事项并入", "New matter"),
    "crisis.clock.warned.v1": ("承诺即将到期", "A promise is running out"),
    "crisis.clock.breached.v1": ("承诺已超时", "A promise was broken"),
    "crisis.escalation.raised.v1": ("危机升级", "Escalation"),
}


def word(code: str, locale: str) -> str:
    """What people call `code` in the language of `locale`."""
    words = _WORDS.get(code)
    if words is None:
        return code
    return words[0] if locale.startswith("zh") else words[1]


def best_locale(wanted: str, offered: tuple[str, ...]) -> str:
    """The offered locale nearest to the wanted one: the same, the same language, our default, the first offered."""
    if wanted in offered:
        return wanted
    language = wanted.split("-", 1)[0]
    same = [locale for locale in offered if locale.split("-", 1)[0] == language]
    if same:
        return same[0]
    return DEFAULT_LOCALE if DEFAULT_LOCALE in offered else offered[0]
