"""What a broken content file gets: every fault at its line, at once, with what to write instead."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.content import articles, site_content
from bot.runtime import settings
from tests.conftest import keep_one_article

ROOT = Path(__file__).resolve().parents[2]
ARTICLE, PHRASES = "articles/myoclonus.md", "phrases/myoclonus.yml"


@pytest.fixture
def data(data):
    """A copy of the content that a test may break, of one article: all nine take twice as long to
    check."""
    keep_one_article(data, "myoclonus")
    return data


def edit(data, file, old, new):
    """Exchange the first `old` of a content file; the line (from 1) on which it stood."""
    path = data / file
    text = path.read_text()
    assert old in text, f"the test is out of date: {old!r} stands nowhere in {file}"
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def printed_faults(data):
    """The faults of a content folder as they are printed."""
    return [str(fault) for fault in site_content.check_content(data)]


def test_the_content_has_no_fault():
    assert site_content.check_content(ROOT / "data") == []


def test_every_question_of_the_first_article_is_there():
    wanted = """what_is_myoclonus symptoms everyday_forms daily_life seriousness causes triggers prevention voluntary_control
        when_to_see_doctor when_treatment_needed medicines clonazepam barbiturates_and_primidone phenytoin valproate_in_pregnancy
        sodium_valproate sodium_valproate_side_effects combination_treatment medicine_tolerance alternative_treatments
        why_alternatives botox deep_brain_stimulation surgery_candidates inherited_forms""".split()  # noqa: E501
    article = next(a for a in articles.load_articles(ROOT / "data") if a.id == "myoclonus")
    ids = [question.name.removeprefix("myoclonus.") for question in article.questions]
    assert [id for id in ids if id in wanted] == wanted


@pytest.mark.parametrize(
    ("old", "new", "said", "below"),
    [
        ("title: Living", "titel: Living", "titel is not a field", 0),
        ("written_by:", "reviewed_by: Dr X\nwritten_by:", "a clinician signs its answers", 0),
        (
            "review_every: 365 days",
            "review_every: yearly",
            "its next review must be a number of days",
            0,
        ),
        (
            "review_every: 365 days",
            "review_every: 9999999 days",
            "its next review must be a number of days",
            0,
        ),
        ("written_on: 2026-11-29", "written_on: 2999-01-01", "in the future", 0),
        (
            "    facet: prevention",
            "    facette: prevention",
            "facette is not a field of a question",
            0,
        ),
        (
            "    facet: prevention",
            "    facet: prevention\n    train: [can it]",
            "phrases stand in data/phrases/myoclonus.yml; write `prevention:` there",
            1,
        ),
        ("{#prevention}", "{#preventon}", "the question prevention has no section", None),
        ("{#prevention}", "", "the heading needs its question's id", 0),
        ("## ", "### ", "only headings of the form", 0),
        ("[1]", "[999]", "source [999] is not listed", None),
        ("about: myoclonus", "about: myoclonitis", "is not a term", None),
    ],
)
def test_a_fault_is_named_with_its_line_and_what_to_write(data, old, new, said, below):
    line = edit(data, ARTICLE, old, new)
    faults = [fault for fault in printed_faults(data) if said in fault]
    assert faults, printed_faults(data)
    if below is not None:
        assert faults[0].startswith(f"{data}/{ARTICLE}:{line + below}: ")


@pytest.mark.parametrize(
    ("addition", "said"),
    [
        ("This holds {a brace}. [1]", "brace"),
        ("Pay ${PRICE}. [1]", "brace"),
        ("Some <b>bold</b> words. [1]", "HTML"),
        ("You have myoclonus. [1]", "tells the reader"),
        ("You don't need to see a doctor. [1]", "keeps the reader from a doctor"),
        ("Take 500 mg a day. [1]", "names a dose"),
        ("You should stop this medicine. [1]", "decides about a medicine"),
        ("This sentence has no source.", "names no source"),
        (
            "Notwithstanding considerable heterogeneity, pharmacological interventions "
            "predominantly ameliorate symptomatology, "
            "necessitating individualised multidisciplinary reevaluation. [1]",
            "reads at grade",
        ),
    ],
)
def test_a_wording_that_must_not_reach_visitors_is_a_fault(data, addition, said):
    text = (data / ARTICLE).read_text()
    (data / ARTICLE).write_text(f"{text}\n{addition}\n")
    assert any(said in fault for fault in printed_faults(data))


def test_a_long_lead_is_a_fault(data):
    edit(
        data,
        ARTICLE,
        "{#prevention}\n",
        "{#prevention}\n" + "This is a very long lead. " * 20 + "[1]\n\n",
    )
    assert any("the lead has" in fault for fault in printed_faults(data))


@pytest.mark.parametrize(
    ("ask", "lead", "faulty"),
    [
        ("Hiccups, sleep starts and startles", "Yes. A hiccup is one.", True),
        ("What makes it worse?", "No, nothing does.", True),
        ("Can myoclonus be prevented?", "No, mostly not.", False),
        ("After a fever, can it come back?", "Yes: often.", False),
        ("What makes it worse?", "No test shows it.", False),
    ],
)
def test_a_lead_that_makes_no_sense_under_its_heading_is_a_fault(ask, lead, faulty):
    text = (settings.ROOT / "data" / ARTICLE).read_text()
    text = text.replace("ask: Can myoclonus be prevented?", f"ask: {ask}")
    text = text.replace("{#prevention}\n", "{#prevention}\n" + f"{lead} [1]\n\n")
    _, faults = articles.read_article(text, ARTICLE)
    said = [fault for fault in faults if "the lead says" in fault.text]
    assert bool(said) == faulty
    assert not faulty or f'its heading asks "{ask}"' in said[0].text


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (ARTICLE, "no front matter at all", "front matter is missing"),
        (ARTICLE, "---\ntitle: [\n---\n", "not valid YAML"),
        (ARTICLE, "---\n!!python/object/apply:os.system ['true']\n---\n", "not valid YAML"),
        (PHRASES, "prevention: [\n", "not valid YAML"),
        (PHRASES, "- a\n", "`key: value` lines are expected here"),
        ("terms.yml", "conditions:\n  a: [b]\nmedicines:\n  c: [b]\n", '"b" names a too'),
        ("terms.yml", "illnesses: {}\n", "illnesses is unknown"),
        ("talk.yml", "greeting: hello\n", "needs two lists"),
        ("texts.yml", "notice: hello\n", "the text disclaimer is missing"),
        (
            "rules.yml",
            "rules:\n- rule: x\n  steps:\n  - intent: nonsense\n",
            "the intent nonsense is not known",
        ),
        ("safety.yml", "flags: 7\n", "safety.yml:"),
    ],
)
def test_a_broken_file_is_a_list_of_faults_and_never_an_exception(data, file, text, said):
    (data / file).write_text(text)
    faults = printed_faults(data)
    assert any(said in fault for fault in faults), faults
    assert all(":" in fault and fault.split(":")[1].isdigit() for fault in faults)


def test_all_faults_are_named_at_once(data):
    edit(data, ARTICLE, "title: Living", "titel: Living")
    edit(data, "terms.yml", "conditions:", "illnesses:")
    edit(data, "texts.yml", "disclaimer:", "disclaim:")
    files = {fault.split(":")[0] for fault in printed_faults(data)}
    assert len(files) >= 3


@pytest.mark.parametrize("verb", ["check", "train", "prepare"])
def test_the_command_line_prints_the_faults_and_changes_nothing(data, tmp_path, verb):
    edit(data, ARTICLE, "title: Living", "titel: Living")
    models = tmp_path / "models"
    (models / "encoder").mkdir(parents=True)
    (models / "encoder" / "encoder.onnx").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-m", "bot", verb],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "DATA": str(data),
            "MODELS": str(models),
            "VAR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path}/t.db",
        },
    )
    assert done.returncode == 1
    assert "articles/myoclonus.md:2: titel is not a field" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(models.glob("candidates/*"))


def test_an_article_is_saved_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.md"
    articles.save_text(path, "first")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        articles.save_text(path, "second")
    assert path.read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["a.md"]


@pytest.mark.parametrize("depth", [51, 1500, 100_000])
def test_yaml_that_is_nested_without_end_is_a_fault_and_no_crash(depth):
    data, _, faults = articles.read_yaml(f"a: {'[' * depth}{']' * depth}", "x.md")
    assert data is None and "lists in lists" in faults[0].text
    assert all(str(fault).startswith("x.md:") for fault in faults)


def test_yaml_that_is_nested_without_end_by_its_marks_is_a_fault_and_no_crash():
    data, _, faults = articles.read_yaml("a:\n  " + "- " * 50_000 + "x", "x.md")
    assert data is None and "lists in lists" in faults[0].text
