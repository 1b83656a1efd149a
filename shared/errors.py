"""Refusals as named facts: what was asked cannot be done, and why.

One table (`shared.web.problems`) gives each its HTTP status.

A service names its own by subclassing, so that a caller can tell them apart:

    class CaseAlreadyClosed(Conflict):
        '''The case was closed and cannot change.'''
        slug = "case-already-closed"
        zh = "个案已关闭，不能再更改。"

The first line of the docstring is the title that callers read; `slug` is its stable address in the problem catalogue.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from shared.contracts.errors import FieldError


class Refusal(Exception):  # noqa: N818 - named facts, see the house style
    """What was asked cannot be done."""

    slug: ClassVar[str] = "refused"
    zh: ClassVar[str] = "请求无法执行。"

    def __init__(self, detail: str | None = None, *, errors: Iterable[FieldError] = (), **members: Any) -> None:
        """`detail` explains this occurrence; `members` stand beside it in the answer, for programs to read."""
        self.detail = detail
        self.errors = tuple(errors)
        self.members = members
        reasons = "; ".join(f"{error.pointer or '/'}: {error.detail}" for error in self.errors)
        super().__init__(detail or reasons or self.title())

    @classmethod
    def title(cls) -> str:
        """The fact in one English sentence."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]


class Malformed(Refusal):
    """The request cannot be read."""

    slug = "malformed"
    zh = "请求无法解析。"


class IdempotencyKeyMissing(Malformed):
    """The request needs an Idempotency-Key header."""

    slug = "idempotency-key-missing"
    zh = "此请求需要 Idempotency-Key 请求头。"


class PageTokenInvalid(Malformed):
    """The page token does not belong to this query."""

    slug = "page-token-invalid"
    zh = "分页令牌与本次查询不符。"


class Unauthenticated(Refusal):
    """A valid credential is required."""

    slug = "unauthenticated"
    zh = "需要有效的凭证。"


class Forbidden(Refusal):
    """The credential lacks a scope that this needs."""

    slug = "forbidden"
    zh = "凭证缺少所需的权限范围。"


class NotFound(Refusal):
    """There is nothing with this id."""

    slug = "not-found"
    zh = "没有该编号的对象。"


class MethodNotAllowed(Refusal):
    """The address does not answer that method."""

    slug = "method-not-allowed"
    zh = "该地址不支持此方法。"


class Gone(Refusal):
    """It was here, and is not any more."""

    slug = "gone"
    zh = "该对象已失效。"


class Conflict(Refusal):
    """The object is not in a state that allows this.

    `state` and `version` say how it stands, so that the caller need not ask again.
    """

    slug = "conflict"
    zh = "对象当前的状态不允许此操作。"

    def __init__(
        self, detail: str | None = None, *, state: Any = None, version: int | str | None = None, **members: Any
    ) -> None:
        current = {name: value for name, value in (("state", state), ("version", version)) if value is not None}
        if current:
            members["current"] = current
        super().__init__(detail, **members)


class StillRunning(Conflict):
    """A request with this Idempotency-Key is still being answered."""

    slug = "idempotency-in-progress"
    zh = "使用此 Idempotency-Key 的请求仍在处理中。"


class PreconditionFailed(Refusal):
    """The object has changed since the version named in If-Match."""

    slug = "precondition-failed"
    zh = "对象自 If-Match 所指版本之后已被更改。"


class PreconditionRequired(Refusal):
    """The edit needs an If-Match header."""

    slug = "precondition-required"
    zh = "此修改需要 If-Match 请求头。"


class TooLarge(Refusal):
    """The body is larger than this address accepts."""

    slug = "too-large"
    zh = "请求体超过该地址允许的大小。"


class UnsupportedMedia(Refusal):
    """The body has a media type that is not read here."""

    slug = "unsupported-media-type"
    zh = "不支持该请求体的媒体类型。"


class Unprocessable(Refusal):
    """The request is readable, but something in it is not right."""

    slug = "invalid"
    zh = "请求内容有误。"


class IdempotencyKeyReused(Unprocessable):
    """The Idempotency-Key was used for another request."""

    slug = "idempotency-key-reused"
    zh = "此 Idempotency-Key 已用于另一个请求。"


class TooManyRequests(Refusal):
    """Too many requests in a short time."""

    slug = "too-many-requests"
    zh = "短时间内请求过多。"


class InternalFault(Refusal):
    """Something went wrong on our side."""

    slug = "internal"
    zh = "服务内部错误。"


class NotSupported(Refusal):
    """What was asked is not supported by this version."""

    slug = "not-supported"
    zh = "当前版本不支持此功能。"


class Unavailable(Refusal):
    """The service cannot do this right now; try again shortly."""

    slug = "unavailable"
    zh = "服务暂时不可用，请稍后重试。"

    def __init__(self, detail: str | None = None, *, retry_after: int = 2, **members: Any) -> None:
        """`retry_after` is in seconds."""
        super().__init__(detail, **members)
        self.retry_after = retry_after


class TimedOut(Refusal):
    """The answer took longer than this address allows; it may or may not have taken effect."""

    slug = "timed-out"
    zh = "处理超时，操作可能已生效，也可能未生效。"
