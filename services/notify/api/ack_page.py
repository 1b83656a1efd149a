"""The page behind an acknowledgement link: one file, no scripts, nothing loaded from elsewhere, Chinese and English."""

import base64
import hashlib
import html
from dataclasses import dataclass
from typing import Final, Literal

Showing = Literal["open", "acknowledged", "closed", "expired", "unknown"]

_STYLE: Final = """\
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:#f4f5f7;color:#1d2433;
font:16px/1.6 -apple-system,"Segoe UI","PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
main{width:100%;max-width:480px;background:#fff;border:1px solid #e2e5ea;border-radius:12px;padding:32px;
box-shadow:0 8px 24px rgba(29,36,51,.06)}
h1{margin:0 0 8px;font-size:22px;line-height:1.3}
p{margin:0 0 16px}
dl{display:grid;grid-template-columns:auto 1fr;gap:4px 16px;margin:0 0 24px;padding:16px;background:#f4f5f7;
border-radius:8px;font-size:15px}
dt{color:#5b6577}dd{margin:0;overflow-wrap:anywhere}
form{margin:0 0 20px}
button{width:100%;padding:14px;border:0;border-radius:8px;background:#0b5cad;color:#fff;font:inherit;font-weight:600;
cursor:pointer}
button:hover{background:#094b8d}button:focus-visible{outline:3px solid #8bbcf0;outline-offset:2px}
.sign{display:inline-block;margin-bottom:16px;padding:2px 12px;border-radius:99px;font-size:14px;background:#e8f1fb;
color:#0b5cad}
.done .sign{background:#e3f5ea;color:#17713c}.gone .sign{background:#f3f4f6;color:#5b6577}
small{color:#5b6577}
@media(prefers-color-scheme:dark){body{background:#14181f;color:#e6e9ef}main{background:#1c222c;border-color:#2c3542}
dl{background:#14181f}dt,small{color:#9aa5b5}}
"""
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The page's own content security policy."""

_WORDS: Final[dict[str, dict[str, tuple[str, str, str]]]] = {
    "zh": {
        "open": ("待确认", "请确认已收到", "点击下面的按钮表示您已知悉此事并将跟进。仅打开本页不算确认。"),
        "acknowledged": ("已确认", "已确认收到", "感谢确认。后续催办已停止，承诺时限继续计时。"),
        "closed": ("已结束", "无需再确认", "该事件已经关闭。"),
        "expired": ("已过期", "链接已过期", "请在系统中确认，或请同事重新发送通知。"),
        "unknown": ("无效", "链接无效", "请核对链接是否完整，或在系统中确认。"),
    },
    "en": {
        "open": (
            "Waiting for you",
            "Please acknowledge",
            "Press the button to say that you know of this and will see to it. Opening this page alone does not count.",
        ),
        "acknowledged": (
            "Acknowledged",
            "Thank you, it is acknowledged",
            "The escalation for lack of it has stopped; the clocks of what was promised run on.",
        ),
        "closed": ("Over", "Nothing left to acknowledge", "This case has been closed."),
        "expired": ("Expired", "This link has expired", "Acknowledge in the case itself, or ask for a new message."),
        "unknown": ("Not valid", "This link is not valid", "See whether it is complete, or acknowledge in the case."),
    },
}
_LABELS: Final = {
    "zh": {
        "case": "编号",
        "title": "事由",
        "customer": "客户",
        "severity": "级别",
        "into": "并入",
        "by": "确认人",
        "at": "时间",
    },
    "en": {
        "case": "Case",
        "title": "Title",
        "customer": "Customer",
        "severity": "Severity",
        "into": "Merged into",
        "by": "By",
        "at": "At",
    },
}
_BUTTON: Final = {"zh": "确认收到", "en": "Acknowledge"}
_KIND: Final = {"open": "wait", "acknowledged": "done", "closed": "gone", "expired": "gone", "unknown": "gone"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of facts; `label` is a key of the labels."""

    label: str
    value: str


def page(showing: Showing, locale: str, lines: tuple[Line, ...] = ()) -> str:
    """The HTML of the page. The form posts to the address that it was read from."""
    language = "zh" if locale.startswith("zh") else "en"
    sign, heading, text = _WORDS[language][showing]
    facts = "".join(
        f"<dt>{_LABELS[language][line.label]}</dt><dd>{html.escape(line.value)}</dd>" for line in lines if line.value
    )
    form = f'<form method="post"><button type="submit">{_BUTTON[language]}</button></form>' if showing == "open" else ""
    return (
        f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{heading}</title><style>{_STYLE}</style></head>"
        f'<body><main class="{_KIND[showing]}"><span class="sign">{sign}</span><h1>{heading}</h1><p>{text}</p>'
        f"{f'<dl>{facts}</dl>' if facts else ''}{form}<small>Moat · 护城河</small></main></body></html>"
    )
