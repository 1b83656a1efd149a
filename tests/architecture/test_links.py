"""Links between the pages of the repository lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]+)")
PAGES = sorted(
    page for pattern in ("*.md", "data/*.md", "docs/**/*.md", "services/**/*.md") for page in ROOT.glob(pattern)
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_another_file_leads_there(page):
    links = _LINK.findall(page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_leads_to_the_page_of_each_service():
    links = _LINK.findall((ROOT / "README.md").read_text())

    assert {"services/scoring/README.md", "services/crisis/README.md", "services/notify/README.md"} <= set(links)
