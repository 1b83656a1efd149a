"""The catalogue behind the `type` of every problem: `/problems` and `/problems/{slug}`, in English and Chinese."""

import inspect
from collections.abc import Iterator
from html import escape
from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from shared.auth.guard import open_to_all
from shared.errors import NotFound, Refusal
from shared.web.docs import html_page
from shared.web.problems import status_of
from shared.web.routing import Router


def catalogue() -> dict[str, type[Refusal]]:
    """Every named fact of this process by its slug; a subclass without a slug of its own is its parent's."""
    found: dict[str, type[Refusal]] = {}
    for fact in _walk(Refusal):
        if "slug" in fact.__dict__:
            found.setdefault(fact.slug, fact)
    return dict(sorted(found.items()))


def problem_router() -> Router:
    """The catalogue's pages, open to all."""
    router = Router(include_in_schema=False, dependencies=[open_to_all()])

    @router.get("/problems")
    async def all_problems() -> Response:
        rows = "\n".join(
            f'<tr><td>{status_of(fact)}</td><td><a href="problems/{slug}"><code>{slug}</code></a></td>'
            f'<td>{escape(fact.title())}<br><span lang="zh">{escape(fact.zh)}</span></td></tr>'
            for slug, fact in sorted(catalogue().items(), key=lambda entry: (status_of(entry[1]), entry[0]))
        )
        title = '<h1>Problems <span lang="zh">问题目录</span></h1>'
        head = '<tr><th>HTTP</th><th>type</th><th>meaning <span lang="zh">含义</span></th></tr>'
        return html_page("Problems", f"{title}\n<table>{head}\n{rows}</table>")

    @router.get("/problems/{slug}")
    async def one_problem(slug: Annotated[str, Path()]) -> Response:
        fact = catalogue().get(slug)
        if fact is None:
            raise NotFound(f"there is no kind of problem called {slug!r}; see /problems")
        paragraphs = "\n".join(f"<p>{escape(text)}</p>" for text in inspect.cleandoc(fact.__doc__ or "").split("\n\n"))
        return html_page(
            slug,
            f"<h1><code>{slug}</code></h1>\n<p>HTTP {status_of(fact)}</p>\n{paragraphs}\n"
            f'<p lang="zh">{escape(fact.zh)}</p>\n<p><a href="../problems">all problems</a></p>',
            root="../",
        )

    return router


def _walk(fact: type[Refusal]) -> Iterator[type[Refusal]]:
    yield fact
    for kind in fact.__subclasses__():
        yield from _walk(kind)
