"""The domain: what its YAML means, how two are merged, and how a fault in it is said."""

from pathlib import Path

import pytest
from rasa.shared.core.domain import ActionNotFoundException, Domain, InvalidDomain
from rasa.shared.core.events import SlotSet, UserUttered
from rasa.shared.core.slots import InvalidSlotTypeException, TextSlot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException, YamlSyntaxException
from rasa.shared.utils.io import read_config_file, read_model_configuration, read_yaml
from rasa.shared.utils.validation import YamlValidationException

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def domain():
    """The domain.yml of the project."""
    return Domain.load(str(ROOT / "domain.yml"))


def domain_of(text):
    return Domain.from_yaml(f'version: "3.1"\n{text}', "domain.yml")


# ── Our own files ─────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_our_domain_is_read_without_a_warning(domain):
    assert {"greeting", "not_covered", "out_of_scope"} <= set(domain.intents)
    assert domain.user_actions[:2] == ["action_answer", "action_article_info"]
    assert domain.entities == ["term"]


def test_our_domain_holds_the_intent_of_the_fallback(domain):
    assert "nlu_fallback" in domain.intents


def test_sessions_never_end_and_slots_live_on(domain):
    assert (
        not domain.session_config.are_sessions_enabled() and domain.session_config.carry_over_slots
    )


def test_our_configuration_passes_rasas_schema():
    configuration = read_model_configuration(str(ROOT / "config.yml"))

    assert [step["name"] for step in configuration["importers"]] == [
        "bot.rasa.importer.ArticleImporter"
    ]
    assert configuration["pipeline"][2] == {
        "name": "WhitespaceTokenizer",
        "intent_tokenization_flag": False,
        "intent_split_symbol": "_",
        "token_pattern": None,
    }


# ── What it means ─────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_the_default_actions_have_the_first_numbers_and_ours_come_after(domain):
    assert domain.index_for_action("action_listen") == 0
    assert (
        domain.index_for_action("action_answer")
        > domain.index_for_action("action_extract_slots")
        > 0
    )
    assert domain.action_names_or_texts[domain.index_for_action("action_answer")] == "action_answer"


def test_an_action_that_the_domain_does_not_have_is_named(domain):
    with pytest.raises(ActionNotFoundException, match="Cannot access action 'action_sing'"):
        domain.index_for_action("action_sing")


@pytest.mark.parametrize(
    ("intent", "featurized"),
    [
        ("ask: {use_entities: []}", set()),
        ("ask: {use_entities: [place]}", {"place"}),
        ("ask", {"term", "place"}),
    ],
)
def test_a_policy_sees_the_entities_that_an_intent_uses(intent, featurized):
    domain = domain_of(f"entities: [term, place]\nintents:\n  - {intent}\n")
    said = UserUttered(
        "tea in Leeds",
        {"name": "ask", "confidence": 1.0},
        [{"entity": "term", "value": "tea"}, {"entity": "place", "value": "Leeds"}],
    )
    tracker = DialogueStateTracker.from_events("visitor", [said], domain.slots, domain=domain)

    state = domain.get_active_state(tracker)

    assert set(state["user"].get("entities", ())) == featurized


def test_a_slot_is_read_with_its_type_and_its_mapping():
    mapping = "{type: from_entity, entity: term}"
    domain = domain_of(f"entities: [term]\nslots: {{about: {{type: text, mappings: [{mapping}]}}}}")
    slot = next(slot for slot in domain.slots if slot.name == "about")

    assert isinstance(slot, TextSlot)
    assert slot.mappings == [{"type": "from_entity", "entity": "term"}]


@pytest.mark.parametrize(("influences", "seen"), [("false", {}), ("true", {"about": (1.0,)})])
def test_a_policy_sees_a_slot_that_influences_the_conversation(influences, seen):
    options = f"type: text, influence_conversation: {influences}, mappings: [{{type: custom}}]"
    domain = domain_of(f"slots: {{about: {{{options}}}}}")
    tracker = DialogueStateTracker.from_events(
        "visitor", [SlotSet("about", "tea")], domain.slots, domain=domain
    )

    assert domain.get_active_state(tracker).get("slots", {}) == seen


def test_a_response_may_hold_data_of_our_own():
    domain = domain_of("responses:\n  utter_offer_1:\n    - custom: {offer: [tea.price]}\n")

    assert domain.responses == {"utter_offer_1": [{"custom": {"offer": ["tea.price"]}}]}
    assert "utter_offer_1" in domain.action_names_or_texts


def test_letters_of_any_language_and_pictures_stay():
    domain = domain_of('responses:\n  utter_a:\n    - text: "Grüße 👋 日本"\n')

    assert domain.responses["utter_a"][0]["text"] == "Grüße 👋 日本"


# ── Merging ───────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_a_merged_domain_has_what_both_have(domain):
    added = Domain.from_dict(
        {
            "intents": [{"tea.price": {"use_entities": []}}],
            "responses": {"utter_offer_1": [{"custom": {"offer": ["tea.price"]}}]},
        }
    )

    merged = domain.merge(added)

    assert set(merged.intents) == {*domain.intents, "tea.price"}
    assert set(merged.action_names_or_texts) == {*domain.action_names_or_texts, "utter_offer_1"}
    assert (merged.entities, merged.session_config) == (domain.entities, domain.session_config)
    assert not merged.intent_config("tea.price")["used_entities"]


def test_merging_with_an_empty_domain_changes_nothing(domain):
    assert domain.merge(Domain.empty()).as_dict() == domain.as_dict()
    assert Domain.empty().merge(domain).as_dict() == domain.as_dict()


def test_a_domain_survives_being_written_and_read(domain, tmp_path):
    domain.persist(tmp_path / "written.yml")

    again = Domain.load(str(tmp_path / "written.yml"))

    assert again.as_dict() == domain.as_dict() and again.fingerprint() == domain.fingerprint()


def test_another_intent_makes_another_fingerprint(domain):
    other = domain.merge(Domain.from_dict({"intents": ["tea.price"]}))

    assert other.fingerprint() != domain.fingerprint()


# ── Faults ────────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("intents: [ask", "line 2, column 14"),
        ("intents:\n\t- ask", "line 3, column 1"),
        ("intents: [ask]\nintents: [tell]", 'found duplicate key "intents"'),
        ("intents: *nobody", "undefined alias"),
        ("intents: %ask", "line 2, column 10"),
        ("intents: \x07", "special characters"),
    ],
    ids=repr,
)
def test_a_fault_of_yaml_is_said_with_its_file_and_place(text, said):
    with pytest.raises(YamlSyntaxException) as caught:
        domain_of(text)

    assert "Failed to read 'domain.yml'" in str(caught.value) and said in str(caught.value)


@pytest.mark.parametrize("text", ["a: !!", "a: !unknown b"])
def test_a_lone_mark_or_an_unknown_one_is_said_with_its_file_and_place(tmp_path, text):
    from rasa.shared.utils.io import read_yaml_file

    (tmp_path / "bad.yml").write_text(text)

    with pytest.raises(YamlSyntaxException) as caught:
        read_yaml_file(tmp_path / "bad.yml")

    assert "bad.yml" in str(caught.value) and "could not determine a constructor" in str(
        caught.value
    )
    assert "line 1" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("intents: 7", "in domain.yml:"),
        ("slots: [about]", "in domain.yml:"),
        ("session_config: {session_expiration_time: soon}", "in domain.yml:2"),
    ],
    ids=repr,
)
def test_a_fault_of_form_is_said_with_its_file(text, said):
    with pytest.raises(YamlValidationException) as caught:
        domain_of(text)

    assert "Failed to validate 'domain.yml'" in str(caught.value) and said in str(caught.value)


def test_a_list_in_place_of_a_domain_is_said():
    with pytest.raises(YamlValidationException, match="is not a dict"):
        Domain.from_yaml("- ask", "domain.yml")


def test_an_unquoted_version_is_said():
    with pytest.raises(YamlValidationException, match="Value '3.1' is not of type 'str'"):
        Domain.from_yaml("version: 3.1\nintents: [ask]", "domain.yml")


def test_a_later_version_is_warned_of_and_the_file_left_out():
    with pytest.warns(UserWarning, match="greater format version"):
        domain = Domain.from_yaml('version: "4.0"\nintents: [ask]', "domain.yml")

    assert "ask" not in domain.intents


def test_an_earlier_version_is_warned_of_and_the_file_is_read():
    with pytest.warns(UserWarning, match="lower format version"):
        domain = Domain.from_yaml('version: "2.0"\nintents: [ask]', "domain.yml")

    assert "ask" in domain.intents


def test_a_slot_of_no_known_type_is_named():
    with pytest.raises(InvalidSlotTypeException, match="poem"):
        domain_of("slots: {about: {type: poem, mappings: [{type: custom}]}}")


@pytest.mark.parametrize("text", ["intents: [ask, ask]", "actions: [action_a, action_a]"])
def test_what_is_named_twice_is_refused(text):
    with pytest.raises(InvalidDomain, match="[Dd]uplicate"):
        domain_of(text)


def test_a_domain_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RasaException, match=r"nowhere\.yml"):
        Domain.load(str(tmp_path / "nowhere.yml"))


def test_a_value_of_the_environment_is_put_in(monkeypatch):
    monkeypatch.setenv("INTERNAL_SECRET", "s3cret")

    assert read_yaml("secret: ${INTERNAL_SECRET}") == {"secret": "s3cret"}


def test_a_value_that_the_environment_does_not_have_is_named(monkeypatch):
    monkeypatch.delenv("INTERNAL_SECRET", raising=False)

    with pytest.raises(RasaException, match=r"\$\{INTERNAL_SECRET\}"):
        read_yaml("secret: ${INTERNAL_SECRET}")


@pytest.mark.parametrize("text", ["pipeline: WhitespaceTokenizer", "language: [en]"])
def test_a_fault_of_form_in_the_configuration_is_said(tmp_path, text):
    (tmp_path / "config.yml").write_text(f"recipe: default.v1\nassistant_id: tiny\n{text}\n")

    with pytest.raises(YamlValidationException, match=text.partition(":")[0]):
        read_model_configuration(str(tmp_path / "config.yml"))


def test_an_empty_configuration_is_read_as_one(tmp_path):
    (tmp_path / "endpoints.yml").write_text("# nothing\n")

    assert read_config_file(str(tmp_path / "endpoints.yml")) == {}
