"""The docs can't lie: their commands, examples, settings, tables and links are held against the
code."""

import re
import subprocess
from pathlib import Path

import pytest

from bot.content import articles, phrases, site_content
from bot.runtime import settings
from bot.store.tables import Base
from tests.support import budgets

ROOT = Path(__file__).resolve().parents[2]
DOCS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
]


def test_the_settings_page_lists_every_setting_with_its_default_and_help():
    page = (ROOT / "docs/settings.md").read_text()
    rows = [
        f"| `{name}` | {f'`{default}`' if default != '' else '(empty)'} | {help} |"
        for name, default, help in settings.settings_table()
    ]
    assert [line for line in page.splitlines() if line.startswith("| `")] == rows


def test_the_design_describes_every_table():
    page = (ROOT / "docs/design.md").read_text()
    missing = [name for name in Base.metadata.tables if f"| {name} |" not in page]
    assert not missing


def test_the_reliability_page_holds_the_budget_of_every_door_as_the_code_has_it():
    assert "\n".join(budgets.table()) in (ROOT / "docs/reliability.md").read_text()


def test_every_target_and_command_that_the_docs_name_is_there():
    targets = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    verbs = subprocess.run(
        [ROOT / ".venv/bin/python", "-m", "bot"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for path in DOCS:
        text = path.read_text()
        for target in re.findall(r"`make ([a-z-]+)", text) + re.findall(
            r"^    make ([a-z-]+)", text, re.MULTILINE
        ):
            assert f"make {target} " in targets, f"{path.name}: make {target}"
        for verb in re.findall(r"\.venv/bin/bot ([a-z]+)", text) + re.findall(
            r"`bot ([a-z]+)", text
        ):
            assert f"    {verb} " in verbs, f"{path.name}: bot {verb}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_link_of_the_docs_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_every_section_that_code_and_docs_point_to_is_there():
    sources = [
        path
        for folder in ("actions", "bot", "benchmarks", "data", "deploy", "docs", "tests")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md", ".yml", ".yaml", ".js", ".html")
        and not {"node_modules", "__pycache__"} & set(path.parts)
    ]
    missing, found = [], 0
    for path in sources:
        text = path.read_text()
        for page, section in re.findall(r"docs/([\w-]+\.md)[,`]* \(?\"([A-Z][^\"\n]+)\"", text):
            found += 1
            headings = re.findall(r"^#+ (.*)$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
            if section not in headings:
                missing.append(f"{path.relative_to(ROOT)}: {page}, {section}")
        for page, anchor in re.findall(r"\]\(([\w-]+\.md)?#([\w-]+)\)", text):
            found += 1
            target = path.parent / page if page else path
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            if anchor not in {re.sub(r"[^\w-]", "", h.lower().replace(" ", "-")) for h in headings}:
                missing.append(f"{path.relative_to(ROOT)}: {page}#{anchor}")
    assert found >= 5
    assert missing == []


def test_the_example_article_passes_the_check_with_its_evidence_and_no_phrase(data):
    page = (ROOT / "docs/articles.md").read_text()
    article = re.search(r"```markdown\n(.*?)```", page, re.DOTALL)[1]
    evidence = re.search(r"## Evidence\n.*?```yaml\n(.*?)```", page, re.DOTALL)[1]
    (data / "articles/example.md").write_text(article)
    (data / "evidence/example.yml").write_text(evidence)
    assert site_content.check_content(data) == []
    example = re.search(r"## Phrases\n.*```yaml\n(clonazepam:.*?)```", page, re.DOTALL)[1]
    read = phrases.parse(example, Path("phrases/example.yml"))
    assert read.faults == () and read.questions["clonazepam"].train


def test_the_question_of_the_readme_can_be_added(data):
    readme = (ROOT / "README.md").read_text()
    example = re.search(r"(    questions:\n.*?\n)\n(    ## .*?\n.*?\n)\n", readme, re.DOTALL)
    front, section = (re.sub(r"^    ", "", part, flags=re.MULTILINE) for part in example.groups())
    path = data / "articles" / "myoclonus.md"
    text = path.read_text().replace("questions:\n", front, 1) + "\n" + section
    path.write_text(text)
    article, faults = articles.read_article(text, path)
    assert faults == []
    assert "myoclonus.sleep" in [question.name for question in article.questions]


@pytest.mark.parametrize("page", ["privacy.md", "security.md", "reliability.md"])
def test_every_test_that_a_page_names_is_there(page):
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / page).read_text()))
    there = {
        name
        for path in ROOT.glob("tests/**/test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert len(named) > 10 and named <= there, named - there
