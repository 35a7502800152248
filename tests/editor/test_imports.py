"""A draft from a saved page, a pasted one, a Word file and a spreadsheet; and what such files can
try. tests/oddities/imports.yml has what they hold that an article can't."""

import datetime
import io
import time
import zipfile
from pathlib import Path

import pytest
import yaml

from bot.content import articles, facets, terms
from bot.editor.importing import first_drafts, imports, other_names

pytestmark = pytest.mark.usefixtures("warm")

ROOT = Path(__file__).resolve().parents[2]
PAGE = """<html><head><title>Essential tremor - Example</title><meta property="og:site_name" content="Example Health">
<meta property="article:modified_time" content="2024-05-06T10:00:00Z"><script>steal()</script></head><body><nav><a href="/">Home</a></nav>
<article><h1>Essential tremor</h1><p>Essential tremor is a condition in which parts of the body shake, mostly the hands, and often only mildly.</p>
<h2>Causes of essential tremor</h2><p>The cause is {often} not known [1]. See <a href="https://www.ninds.nih.gov/tremor">NINDS: Tremor</a>.</p>
<ul><li>a family history of it in the parents</li><li>older age &lt;script&gt;x&lt;/script&gt; of the person</li></ul>
<h2>Can it be prevented?</h2><p>There is no known way to prevent it, and nobody is to blame for having it either.</p>
<h2>References</h2><ol><li>Smith J. Tremor in adults. Lancet 2019. <a href="https://doi.org/10.1/x">doi</a></li></ol></article></body></html>"""  # noqa: E501
BOMB = (
    '<!DOCTYPE z [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{"&a;" * 10 if n == 0 else f"&a{n - 1};" * 10}">' for n in range(9))
    + "]><z>&a8;</z>"
)
OUTSIDE = '<!DOCTYPE z [<!ENTITY x SYSTEM "file:///etc/passwd">]><z>&x;</z>'
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def draft(found, about=""):
    kinds, names, _ = terms.read_terms(ROOT / "data")
    subject = first_drafts.Subject(
        terms.make_finder(kinds, names), facets.read_facets(ROOT / "data"), about
    )
    return first_drafts.make_draft(found, "Ann Editor", datetime.date(2026, 11, 24), subject)


def parts_of(text):
    front, body, _ = articles.split_front_matter(text)
    return yaml.safe_load(front), body


def paragraph(text, style=None):
    return f"<w:p>{f'''<w:pPr><w:pStyle w:val="{style}"/></w:pPr>''' if style else ''}<w:r><w:t>{text}</w:t></w:r></w:p>"  # noqa: E501


def word(document=None, **parts):
    """The bytes of a Word file with this body, and further parts."""
    body = (
        document
        if document is not None
        else (
            paragraph("Febrile seizures", "Heading1")
            + paragraph("What is it?", "Heading2")
            + paragraph("A febrile seizure comes with a fever in a young child.")
            + paragraph("When to see a doctor", "Heading2")
            + paragraph("After the first one, always.")
        )
    )
    files = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',  # noqa: E501
        "_rels/.rels": "<Relationships "
        'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
        'Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',  # noqa: E501
        "word/styles.xml": f'<w:styles xmlns:w="{WORD}">'
        + "".join(
            f'<w:style w:type="paragraph" w:styleId="Heading{n}"><w:name w:val="heading '
            f'{n}"/></w:style>'
            for n in (1, 2)
        )
        + "</w:styles>",
        "word/_rels/document.xml.rels": "<Relationships "
        'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
        'Id="s" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>',  # noqa: E501
        "word/document.xml": body
        if body.startswith("<!")
        else f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
        **parts,
    }
    return packed(files)


def spreadsheet(rows="", **parts):
    """The bytes of a spreadsheet with one question, these rows below it, and further parts."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    cells = "".join(
        f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in ("What is it?", "It is so.")
    )
    return packed(
        {
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
            '<sheet name="A" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="r1" '
            'Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData><row>{cells}</row>'
            f"{rows}</sheetData></worksheet>",
            **parts,
        }
    )


def packed(files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made.getvalue()


def test_a_saved_page_becomes_a_draft_that_names_its_source():
    made = draft(imports.from_page(PAGE.encode(), "https://example.org/tremor"))
    front, body = parts_of(made.text)
    assert (front["title"], front["about"], front["written_by"]) == (
        "Essential tremor",
        "essential tremor",
        "Ann Editor",
    )
    assert front["sources"][1] == {
        "title": "Essential tremor",
        "publisher": "Example Health",
        "url": "https://example.org/tremor",
        "date": datetime.date(2024, 5, 6),
    }
    assert [source["url"] for source in front["sources"].values()][1:] == [
        "https://www.ninds.nih.gov/tremor",
        "https://doi.org/10.1/x",
    ]
    assert list(front["questions"]) == ["definition", "causes", "prevention"]
    assert front["questions"]["prevention"] == {
        "ask": "Can it be prevented?",
        "facet": "prevention",
    }
    assert (
        "- a family history of it in the parents [1]\n- older age" in body
        and "(often) not known. [3] See NINDS: Tremor. [1]" in body
    )


def test_nothing_in_a_page_stays_markup_or_a_slot():
    text = draft(imports.from_page(PAGE.encode())).text
    assert "<" not in text and "steal" not in text and "Home" not in text
    assert "{often}" not in text
    article, faults = articles.read_article(text, "tremor.md")
    assert article is None and not [
        fault
        for fault in map(str, faults)
        if "HTML" in fault or "brace" in fault or "YAML" in fault
    ]


def test_the_faults_of_a_draft_are_only_what_its_editor_must_write():
    _, faults = articles.read_article(
        draft(imports.from_page(PAGE.encode(), "https://example.org/tremor")).text, "tremor.md"
    )
    assert all("reads at grade" in fault.text for fault in faults), faults


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        ("Muscle cramps", ["What are muscle cramps?", "Do muscle cramps go away?"]),
        ("Myoclonus", ["What is myoclonus?", "Does myoclonus go away?"]),
        ("Diabetes", ["What is diabetes?", "Does diabetes go away?"]),
        ("SIDS", ["What is SIDS?", "Does SIDS go away?"]),
    ],
)
def test_a_question_made_of_a_heading_is_of_one_thing_or_of_several(title, asked):
    text = f"{title}\n\nOverview\n\nIt comes and goes.\n\nOutlook\n\nIt mostly ends by itself."
    front, _ = parts_of(draft(imports.from_text(text)).text)
    assert [question["ask"] for question in front["questions"].values()] == asked


def test_a_word_file_becomes_a_draft():
    front, body = parts_of(draft(imports.from_word(word())).text)
    assert (front["title"], front["about"]) == ("Febrile seizures", "febrile seizures")
    assert list(front["questions"]) == ["definition", "when_to_seek_help"]
    assert (
        "## When to see a doctor {#when_to_seek_help}" in body
        and "A febrile seizure comes with a fever" in body
    )


def test_a_pasted_text_becomes_a_draft_with_its_headings_and_addresses():
    text = "Hiccups\n\nWhat causes hiccups\n\nOften nobody knows. See https://medlineplus.gov/hiccups.html.\n\nTreatment\n- hold your breath\n- drink water\n"  # noqa: E501
    front, body = parts_of(draft(imports.from_text(text)).text)
    assert front["title"] == "Hiccups" and list(front["questions"])[0] == "causes"
    assert front["sources"][2]["url"] == "https://medlineplus.gov/hiccups.html"
    assert "- hold your breath [1]\n- drink water [1]" in body


@pytest.mark.parametrize(
    "hostile",
    [
        "javascript:alert(1)",
        'https://a"b',
        "file:///etc/passwd",
        "https://a b",
        "{x}",
        "https://a\0b",
    ],
)
def test_an_address_that_is_none_is_left_out(hostile):
    front, _ = parts_of(draft(imports.from_page(PAGE.encode(), hostile)).text)
    assert hostile not in str(front)


@pytest.mark.parametrize("wide", ["9" * 5000, "0" * 5000, "\u0663", "0002", "-1", "a lot"])
def test_a_cell_as_wide_as_anything_is_read(wide):
    cells = f'<tr><td colspan="{wide}">One</td><td rowspan="{wide}">Two</td></tr>'
    page = PAGE.replace("<h2>Ref", f"<h2>Is it so?</h2><table>{cells}</table><h2>Ref")
    assert "One" in draft(imports.from_page(page.encode(), "https://example.org/")).text


@pytest.mark.parametrize(
    "text",
    [
        "- !!python/object/apply:os.system [id]\n\nWhat is it\n\n!!python/object/apply:os.system "
        "[id] is what it says here.",
        'title: x\n---\n\nWhat: "is" it\n\n--- [a: {b}] & *c | > %',
        "What is ‮it\n\nA \x00 text \x1b[31m of \ud800 all kinds.",
    ],
)
def test_a_text_that_looks_like_yaml_is_only_text(text):
    made = draft(imports.from_text(text))
    front, _ = parts_of(made.text)
    assert isinstance(front["title"], str)
    assert all(isinstance(phrase, str) for own in made.phrases.values() for phrase in own)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a Word file"),
        (b"PK\x03\x04 no more", "not a Word file"),
        (b"{\\rtf1 old word}", "not a Word file"),
        (packed({"xl/workbook.xml": "<x/>"}), "not a Word file"),
        (word(**{"../../../etc/cron.d/job": "x"}), "outside"),
        (word(**{"..\\..\\job": "x"}), "outside"),
        (word(**{"/etc/passwd": "x"}), "outside"),
        (word(**{"word/media/huge.bin": b"\0" * 70_000_000}), "unpacks to more"),
        (word(**{"word/huge.xml": b" " * 25_000_000}), "unpacks to more"),
        (word(**{f"word/{n}.bin": "" for n in range(2100)}), "unpacks to more"),
        (word(BOMB), "no Word file needs"),
        (word(OUTSIDE), "no Word file needs"),
        (word(**{"customXml/item1.xml": BOMB}), "no Word file needs"),
        (word(**{"word/broken.xml": "<a><b></a>"}), "damaged"),
        (word(""), "No article's text"),
    ],
)
def test_a_harmful_or_broken_word_file_is_refused_with_a_sentence(data, said):
    with pytest.raises(imports.Refused, match=said):
        draft(imports.from_word(data))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a saved web page"),
        (b"\x89PNG\0\0", "not a saved web page"),
        (b"<p>" + b"x" * 3_100_000, "larger than 3 MB"),
        (b"<html><body></body></html>", "No article's text"),
        (b"<div>" * 300_000, "can't be read|No article's text|takes too long"),
    ],
)
def test_a_page_that_is_none_or_too_much_is_refused_with_a_sentence(data, said):
    with pytest.raises(imports.Refused, match=said):
        draft(imports.from_page(data))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 no more", "not a spreadsheet"),
        (spreadsheet(**{"../../../etc/cron.d/job": "x"}), "outside"),
        (spreadsheet(**{"xl/media/huge.bin": b"\0" * 70_000_000}), "unpacks to more"),
        (spreadsheet('<row r="2"><c r="A2" s="1"/></row>' * 700_000), "Copy the rows that hold"),
        (spreadsheet(**{"xl/sharedStrings.xml": BOMB}), "no spreadsheet needs"),
        (spreadsheet(**{"xl/sharedStrings.xml": OUTSIDE}), "no spreadsheet needs"),
        (spreadsheet("<row><c></row>"), "damaged"),
        (spreadsheet(**{"xl/worksheets/sheet1.xml": "<worksheet/>"}), "No questions with answers"),
    ],
)
def test_a_harmful_or_broken_spreadsheet_is_refused_with_a_sentence(data, said):
    with pytest.raises(imports.Refused, match=said):
        imports.from_xlsx(data)


def test_half_a_million_empty_rows_are_nothing():
    found = imports.from_xlsx(spreadsheet("<row/>" * 500_000))
    assert [block.text for block in found.blocks] == ["What is it?", "It is so."]


def test_a_list_of_more_rows_than_anybody_reads_ends_with_a_sentence():
    found = imports.from_csv(b"Question,Answer\n" + b"what,so\n" * 100_000)
    assert "from row 5001 on was left out" in found.notes[0]


def test_an_html_page_with_entities_fetches_nothing():
    text = draft(
        imports.from_page(PAGE.replace("<html>", OUTSIDE.replace("<z>&x;</z>", "<html>")).encode())
    ).text
    assert "root:" not in text


def test_letters_that_no_text_holds_are_left_out_of_a_cell_or_replaced():
    cells = (
        ("Question", "Answer", "Kind_xD83D_ of\nit"),
        (
            "What is it?",
            "It is _x0001_not_x0001_ new _xD83D__xDE00_",
            "one",
        ),
    )
    rows = "".join(
        f'<row r="{n}">'
        + "".join(
            f'<c r="{column}{n}" t="inlineStr"><is><t>{text}</t></is></c>'
            for column, text in zip("ABC", row, strict=True)
        )
        + "</row>"
        for n, row in enumerate(cells, 1)
    )
    found = imports.from_xlsx(spreadsheet(rows))
    made = draft(found)
    assert "It is not new 😀" in made.text
    "\n".join([made.text, *made.notes]).encode()


def test_an_address_that_never_ends_takes_no_time():
    began = time.monotonic()
    draft(imports.from_text("Sleep\n\nWhy\n\nWords [a](https://" + "x" * 100_000 + " and more"))
    assert time.monotonic() - began < 20


LONG = " ".join(f"It is said to come in way {n} and to go in the end." for n in range(12))


def lead_of(made, section):
    """(words of the lead, what stands below it) of a section of a draft."""
    blocks = articles.read_sections(parts_of(made.text)[1], 1, "a.md")[0][section]["blocks"]
    return len(blocks[0][1].split()), [block for _, block in blocks[1:]]


def test_a_lead_is_cut_between_sentences_and_the_rest_stands_below_it_with_its_source():
    made = draft(imports.from_text(f"Hiccups\n\nCauses\n\n{LONG}\n", "https://example.org/a"))
    words, below = lead_of(made, "causes")
    assert 60 < words <= articles.LEAD_WORDS
    assert below[0].startswith("It is said") and below[0].endswith("[1]")
    assert any("the lead was too long for the chat" in note for note in made.notes)
    whole = " ".join(articles.MARK.sub("", parts_of(made.text)[1]).split())
    assert LONG in whole


def test_a_list_that_is_a_lead_is_cut_between_items():
    items = "\n".join(f"- thing number {n} of a long list of things" for n in range(20))
    made = draft(imports.from_text(f"Hiccups\n\nTreatment\n\n{items}\n"))
    words, below = lead_of(made, "treatments")
    assert words <= articles.LEAD_WORDS and "thing number 19" in below[0]


def test_a_sentence_that_can_not_be_cut_stays_whole():
    made = draft(imports.from_text(f"Hiccups\n\nCauses\n\n{'and so on ' * 40}\n"))
    assert lead_of(made, "causes")[1] == []


@pytest.mark.parametrize("end", ["Dr. Ann saw it.", "It is rare, e.g. in Rome."])
def test_no_lead_ends_behind_an_abbreviation(end):
    text = " ".join(["It is so."] * 28) + f" {end} " + "More of it. " * 20
    _, below = lead_of(draft(imports.from_text(f"Hiccups\n\nCauses\n\n{text}\n")), "causes")
    assert not below[0].startswith(("Ann", "in Rome", "Rome"))


def test_a_file_without_headings_is_one_section_and_says_what_to_do():
    made = draft(imports.from_word(word(paragraph("Hiccups come and go in most people."))))
    assert any("It has no headings" in note for note in made.notes)
    assert list(parts_of(made.text)[0]["questions"]) == ["definition"]


def test_a_book_is_cut_and_what_was_left_is_named():
    body = "".join(paragraph(f"This is paragraph {n} of a long book.") for n in range(2_000))
    made = draft(imports.from_word(word(paragraph("Hiccups", "Heading1") + body)))
    assert "paragraph 1499 of" in made.text and "paragraph 1500 of" not in made.text
    assert any("bring the rest as an article of its own" in note for note in made.notes)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("scan.png", b"\x89PNG\r\n", "This is a picture"),
        ("scan.jpg", b"\xff\xd8\xff\xe0", "This is a picture"),
        ("scan.pdf", b"%PDF-1.4", "A scan has no text to copy"),
    ],
)
def test_a_scan_is_refused_with_what_to_do(name, data, said):
    with pytest.raises(imports.Refused, match=said):
        imports.from_file(name, data)


def test_what_has_no_source_is_named_and_what_has_one_keeps_it():
    text = (
        "Hiccups\n\nCauses\n\nNobody knows [1].\n\nTreatment\n\nHold your breath.\n\n"
        "References\n\n1. Ann A. Hiccups. 2019. https://example.org/a\n"
    )
    made = draft(imports.from_text(text))
    assert "Nobody knows. [2]\n" in made.text and "Hold your breath. [1]" in made.text
    (said,) = [note for note in made.notes if "Under “Treatment”" in note]
    assert "1 paragraph or item without a source" in said


def test_a_text_whose_every_paragraph_names_a_reference_is_no_source_itself():
    text = (
        "Hiccups\n\nCauses\n\nNobody knows [1].\n\n"
        "References\n\n1. Ann A. Hiccups. 2019. https://example.org/a\n"
    )
    made = draft(imports.from_text(text))
    assert [source["url"] for source in parts_of(made.text)[0]["sources"].values()] == [
        "https://example.org/a"
    ]
    assert "Nobody knows. [1]\n" in made.text


def test_two_sections_of_one_side_are_named():
    text = "Hiccups\n\nCauses\n\nNobody knows.\n\nWhy they come\n\nFrom the chest.\n"
    made = draft(imports.from_text(text))
    assert any("“Causes” and “Why they come” ask for the same side" in n for n in made.notes)


def test_only_a_side_that_no_list_teaches_gets_phrases_to_begin_with():
    text = "Hiccups\n\nCauses\n\nNobody knows.\n\nA spoon of sugar\n\nIt helps a few.\n"
    own = draft(imports.from_text(text)).phrases
    assert own == {"a_spoon_of_sugar": ["a spoon of sugar hiccups"]}


def test_a_medicine_of_its_own_is_what_its_section_is_about_and_wants_phrases():
    text = (
        "Hiccups\n\nBaclofen\n\nIt may help.\n\nSide effects of baclofen\n\nPeople feel tired.\n\n"
        "Treatment with baclofen\n\nIt is one of some.\n"
    )
    made = draft(imports.from_text(text))
    asked = parts_of(made.text)[0]["questions"]
    assert asked["baclofen"] == {
        "ask": "What is baclofen for?",
        "about": "baclofen",
        "facet": "use",
    }
    assert asked["baclofen_side_effects"]["facet"] == "side_effects"
    assert asked["treatments"] == {"ask": "How are hiccups treated?", "facet": "treatments"}
    assert list(made.phrases) == ["baclofen", "baclofen_side_effects"]


def test_a_new_subject_is_named_as_its_title_names_it():
    text = "Living with jumping thumbs\n\nCauses\n\nJumping thumbs come with age.\n"
    assert parts_of(draft(imports.from_text(text)).text)[0]["about"] == "jumping thumbs"
    given = draft(imports.from_text(text), "tremor")
    assert parts_of(given.text)[0]["about"] == "tremor"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("It is also called jumpy leg, or Smith disease.", ["jumpy leg", "Smith disease"]),
        ("Bad legs (BL) are sometimes known as “lazy legs”.", ["lazy legs", "BL"]),
        ("It is also called into question by those who know it well and say so.", []),
        ("Bad legs are also called bad legs.", []),
    ],
)  # fmt: skip
def test_other_names_are_taken_from_the_text(text, names):
    assert other_names.find_other_names(text, "bad legs") == names
