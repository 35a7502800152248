"""What visitors type in answer to a reply, and what is said when it is said again: through the
visitors' own door."""

import uuid
from pathlib import Path

import pytest

from bot.content import replies, site_content
from bot.conversation import typed_choices

ROOT = Path(__file__).resolve().parents[2]


def values(reply):
    """What the choices below a reply stand for."""
    return [choice["value"] for choice in reply.get("choices") or []]


def choose(service, token, value):
    return service.post(token, {"id": uuid.uuid4().hex, "choice": value}).json()["replies"][0]


@pytest.mark.parametrize("word", ["yes", "Yes, delete it", "delete it", "1"])
def test_a_typed_yes_to_the_deletion_deletes(service, word):
    token = service.open()
    service.ask("forget me", token)
    (reply,) = service.ask(word, token)
    assert reply["topic"] == "forgotten" and "receipt" in reply["text"]
    assert service.post(token, {"id": "after", "text": "hello"}).status_code == 401


@pytest.mark.parametrize("word", ["no", "No, keep it", "no thanks", "2"])
def test_a_typed_no_to_the_deletion_keeps_everything(service, word):
    token = service.open()
    service.ask("forget me", token)
    (reply,) = service.ask(word, token)
    assert reply["text"] == "All right. Nothing has been deleted."
    assert service.post(token, {"id": "after", "text": "hello"}).status_code == 200


def test_a_yes_that_comes_later_deletes_nothing(service):
    token = service.open()
    service.ask("forget me", token)
    service.ask("what are hiccups", token)
    service.ask("yes", token)
    assert service.post(token, {"id": "after", "text": "hello"}).status_code == 200


@pytest.mark.parametrize(
    ("word", "place"),
    [("2", 1), ("the second", 1), ("first one", 0), ("option 2", 1), ("last", -1)],
)
def test_a_question_is_taken_by_its_place(service, word, place):
    token = service.open()
    offered = [
        value for value in values(service.ask("can it be prevented", token)[0]) if "." in value
    ]
    assert service.ask(word, token)[0]["question"] == offered[place]


def test_a_question_is_taken_by_the_title_of_its_button(service):
    token = service.open()
    (reply,) = service.ask("can it be prevented", token)
    second = reply["choices"][1]
    assert service.ask(second["title"].upper(), token)[0]["question"] == second["value"]


def test_yes_below_several_questions_asks_which_one(service):
    token = service.open()
    (reply,) = service.ask("can it be prevented", token)
    (which,) = service.ask("yes", token)
    assert which["text"].startswith("Which one") and values(which) == values(reply)


@pytest.mark.parametrize("word", ["none of these", "no", "neither"])
def test_none_of_these_can_be_typed(service, word):
    token = service.open()
    service.ask("can it be prevented", token)
    assert service.ask(word, token)[0]["topic"] == "none_of_these"


def test_more_gives_the_rest_of_the_answer_and_then_says_that_this_was_all(service):
    token = service.open()
    first = choose(service, token, "hiccups.what_is")
    rest, end = (service.ask(word, token)[0] for word in ("read more", "more"))
    assert rest["question"] == first["question"] and rest["text"] == first["more"]
    assert rest["disclaimer"] and rest["sources"] and not rest["more"]
    assert end["text"].startswith("That is all that the page says") and values(end)


def test_again_gives_the_answer_once_more_and_says_so(service):
    token = service.open()
    first = choose(service, token, "hiccups.what_is")
    (again,) = service.ask("again", token)
    assert again["text"] == first["text"] and again["note"].startswith("I showed you this before")


def test_an_answer_that_was_given_before_says_so_however_it_is_asked(service):
    token = service.open()
    assert "note" not in choose(service, token, "hiccups.causes")
    choose(service, token, "hiccups.what_is")
    assert service.ask("what causes hiccups", token)[0]["note"].startswith("I showed you this")


def test_why_asks_for_the_causes_of_what_was_spoken_of(service):
    token = service.open()
    choose(service, token, "hiccups.what_is")
    assert service.ask("why?", token)[0]["question"] == "hiccups.causes"


def test_next_takes_the_first_question_that_is_offered(service):
    token = service.open()
    offered = values(choose(service, token, "hiccups.what_is"))
    assert service.ask("next", token)[0]["question"] == offered[0]


def test_no_after_an_answer_offers_other_questions_of_its_article(service):
    token = service.open()
    choose(service, token, "hiccups.what_is")
    (reply,) = service.ask("no", token)
    assert reply["kind"] == "talk"
    assert all(value.startswith("hiccups.") for value in values(reply))


def test_the_words_mean_nothing_where_nothing_was_asked(service):
    for word in ("again", "2", "the second"):
        assert service.ask(word)[0]["kind"] != "answer"


def test_a_question_that_a_new_release_no_longer_has_is_not_taken():
    library = site_content.load_content(ROOT / "data")
    gone = {"title": "Is it the moon?", "value": "hiccups.moon"}
    last = typed_choices.remember_reply(
        None, 4, {"kind": "clarify", "text": "Which?", "choices": [gone]}
    )
    assert typed_choices.read_choice(library, "is it the moon", last, 5) is None
    assert typed_choices.read_choice(library, "1", last, 5) is None


def test_what_stands_in_the_place_of_an_unsure_answer_is_taken_first():
    library = site_content.load_content(ROOT / "data")
    names = ["hiccups.causes", "hiccups.triggers", "hiccups.prevention"]
    one, two, three = ({"title": library.questions[name].ask, "value": name} for name in names)
    answer = {"kind": "answer", "question": "hiccups.what_is", "text": "They are."}
    last = typed_choices.remember_reply(
        None, 4, answer | {"instead": [one, two], "choices": [three]}
    )
    taken = {
        words: typed_choices.read_choice(library, words, last, 5)
        for words in ("1", "the second", "last", two["title"], "next")
    }
    assert list(taken.values()) == [names[0], names[1], names[2], names[1], names[0]], taken


def test_an_answer_that_is_not_sure_offers_its_neighbours_and_one_of_them_can_be_typed(service):
    """Which of these isn't sure changes with each training; some are near two questions."""
    unsure = {}
    for article, text in (
        ("hiccups", "what tablets stop hiccups"),
        ("hiccups", "can being nervous bring on the hiccups"),
        ("tics", "tourettes and work life"),
        ("tremor", "which forms of tremor exist"),
        ("tremor", "could you explain tremor to me"),
    ):
        token = service.open(article=article)
        (reply,) = service.ask(text, token)
        if reply.get("instead"):
            unsure[token] = reply
    assert unsure
    for token, reply in unsure.items():
        offered = [choice["value"] for choice in reply["instead"]]
        assert reply["kind"] == "answer" and len(offered) <= 2 and not reply["choices"]
        assert {name.partition(".")[0] for name in offered} == {reply["article"]["id"]}
        assert reply["question"] not in offered
        assert service.ask("the first one", token)[0]["question"] == offered[0]


def test_a_condition_alone_asks_what_it_is(service):
    assert service.ask("hiccups")[0]["question"] == "hiccups.what_is"


def test_one_question_that_may_be_meant_is_asked_back_by_name():
    library = site_content.load_content(ROOT / "data")
    one = replies.clarify_between(library, ["hiccups.causes"])
    assert one["text"].endswith("Did you mean: What causes hiccups?")
    assert values(one) == ["hiccups.causes", "none_of_these"]


def test_hello_on_a_page_speaks_of_its_article(service):
    (reply,) = service.ask("hello", service.open(article="tremor"))
    assert "about tremor?" in reply["text"]
    assert all(value.startswith("tremor.") for value in values(reply))


def test_what_was_declined_is_not_spoken_of_further_on_a_page(service):
    token = service.open(article="myoclonus")
    declined = service.ask("could it be a brain tumour", token)[0]
    assert declined["kind"] != "answer" and len(values(declined)) >= 2
    assert service.ask("what causes it", token)[0]["question"] == "myoclonus.causes"
    assert service.ask("is it serious", token)[0]["question"] == "myoclonus.seriousness"


def test_no_refusal_is_said_twice_in_a_row_and_each_offers_questions(service):
    token, said = service.open(article="tremor"), []
    for text in ("what's the weather like", "who won the match", "tell me something funny"):
        (reply,) = service.ask(text, token)
        assert reply["kind"] == "out_of_scope" and 2 <= len(values(reply)) <= 3
        said.append(reply["text"])
    assert said[0] != said[1] != said[2]


@pytest.mark.parametrize(
    ("page", "text"),
    [("myoclonus", "do they do an EEG"), ("tremor", "asthma"), ("tremor", "coffee")],
)
def test_nobody_is_told_that_a_page_has_nothing_about_what_its_text_holds(service, page, text):
    (reply,) = service.ask(text, service.open(article=page))
    said = f"{reply.get('note')} {reply['text']}"
    if text == "coffee":  # is understood: the answer speaks of caffeine
        assert (reply["kind"], reply["question"]) == ("answer", "tremor.triggers")
    elif "EEG" in text:  # a question asks for it
        assert "myoclonus.diagnosis" in [reply.get("question"), *values(reply)]
    else:
        assert text.split()[-1] in said and "speak" in said
    assert [reply.get("question"), *values(reply)]


def test_a_followup_speaks_of_the_page_where_nothing_else_is_named(service):
    token = service.open(article="febrile_seizures")
    choose(service, token, "febrile_seizures.what_is")
    (reply,) = service.ask("how do doctors find out what it was", token)
    named = [reply.get("question"), *values(reply)]
    assert named and all(name.startswith("febrile") for name in named if name and "." in name)
