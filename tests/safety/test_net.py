"""The learned net hears what the rules don't, keeps to its rates, and is read whole or not at
all."""

import json
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.language import vector_cache
from bot.safety import danger_messages, danger_screen, net, net_training

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
RATES = {"alarm": 0.05, "warning": 0.2, "phrases": 0.05, "phrases_warning": 0.2}
DANGERS = (
    "dad slid off his chair oddly",
    "the twins look waxen",
    "her grip went",
    "the cup is gone",
)
CRISES = ("no reason to stay", "tonight i leave you all", "goodbye to everyone", "tired of being")
LOOKALIKES = ("the sky went grey", "dad sat on a chair", "half a cup of tea", "goodbye and thanks")


def encode(texts):
    """Rows that know words and nothing else, in the encoder's place."""
    rows = np.zeros((len(texts), net.VECTOR + net.LAYERS), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in text.lower().split():
            row[zlib.crc32(word.encode("utf-8", "replace")) % net.VECTOR] += 0.5
    return rows


@pytest.fixture(scope="module")
def screen():
    return replace(danger_screen.load_screen(DATA), rates=RATES)


@pytest.fixture(scope="module")
def made(screen):
    found = [
        danger_messages.Message(f"{text} {number}", side, kind, f"round-{number % 4}")
        for number in range(20)
        for texts, side, kind in (
            (DANGERS, True, "stroke"),
            (CRISES, True, "suicide"),
            (LOOKALIKES, False, "stroke"),
        )
        for text in texts
    ]
    return net_training.train_net(
        screen, found, ["what is a tremor", "why do i hiccup"] * 20, encode
    )


@pytest.mark.parametrize("text", DANGERS)
def test_a_danger_that_no_rule_knows_is_an_alarm_of_its_kind(made, screen, text):
    assert danger_screen.find_danger(screen, text) is None
    assert net.judge_text(made, screen, encode, text) == net.Judgement(net.ALARM, "stroke")


@pytest.mark.parametrize("text", CRISES)
def test_a_crisis_is_told_from_an_emergency(made, screen, text):
    assert net.judge_text(made, screen, encode, text) == net.Judgement(net.ALARM, "suicide")


@pytest.mark.parametrize("text", [*LOOKALIKES, "what is a tremor"])
def test_lookalikes_and_ordinary_questions_raise_nothing(made, screen, text):
    assert net.judge_text(made, screen, encode, text) is None


def test_between_the_two_thresholds_a_message_gets_a_warning(made, screen):
    between = replace(made, thresholds=np.array([1e9, -1e9], dtype=np.float32))
    assert net.judge_text(between, screen, encode, DANGERS[0]).tier == net.WARNING


def test_a_danger_amid_a_long_story_is_heard(made, screen):
    story = "We walked by the sea and ate some cake. " * 15
    assert net.judge_text(made, screen, encode, story + DANGERS[0] + ". " + story).tier == net.ALARM


@pytest.mark.parametrize(
    "text",
    ["", " ", "\0", "💔" * 500, "?" * 2000, "i " * 1000, "\ud800", "a" * 2000, "١٢٣", "\n" * 2000],
)
def test_any_text_is_judged_without_an_error(made, screen, text):
    net.judge_text(made, screen, encode, text)


@pytest.mark.parametrize("text", ["", ".", "...", "…", "?!", "\u200b", " \n "])
def test_stops_and_blanks_alone_raise_nothing(made, screen, text):
    eager = replace(made, thresholds=np.array([-1e9, -1e9], dtype=np.float32))
    assert net.judge_text(eager, screen, encode, text) is None
    assert net.judge_text(eager, screen, encode, text + "stop").tier == net.ALARM


def test_a_long_text_is_cut_into_pieces_that_lose_nothing():
    for text in ("a b. " * 400, "x" * 2000, "\n" * 1000, "?!" * 900, "no stop " * 200):
        pieces = net.cut_text(text)
        assert "".join(pieces) == text
        assert max(map(len, pieces)) <= net.PIECE


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5])
def test_a_threshold_is_exceeded_by_no_larger_share_than_stated(share):
    scores = np.random.default_rng(1).normal(size=1000)
    examples = net_training.Examples(
        None,
        None,
        None,
        np.arange(1000),
        np.ones(1000, bool),
        np.zeros(1000, bool),
        np.array(["r"] * 1000),
        np.array(["stroke"] * 1000),
        np.zeros(1000, bool),
    )
    rates = {"alarm": share, "warning": share, "phrases": 1, "phrases_warning": 1}
    alarm, warning = net_training.find_thresholds(examples, scores, rates)
    assert (scores >= alarm).mean() <= share
    assert warning <= alarm


def test_a_message_of_the_left_out_round_does_not_teach_its_own_score(screen):
    found = [
        danger_messages.Message(
            f"word{number} alone{number}", number % 2 == 0, "stroke", f"r{number}"
        )
        for number in range(8)
    ]
    examples = net_training._gather(screen, found, ["what is a tic"] * 4, encode)
    scores = net_training.score_left_out(examples)[:8]
    assert np.abs(scores).max() < 3  # taught with themselves, they would lie far apart


def test_of_a_long_danger_the_piece_that_tells_it_teaches_and_of_a_harmless_one_each(screen):
    weather = "the bus was late and it rained all day long on us. " * 5
    told = "he is not breathing and his lips are blue. " * 4
    found = [danger_messages.Message(text, True, "breathing", "r") for text in DANGERS]
    found += [danger_messages.Message(text, False, "breathing", "r") for text in LOOKALIKES]
    found += [
        danger_messages.Message(weather + told + weather, True, "breathing", "r"),
        danger_messages.Message(weather * 3, False, "breathing", "r"),
    ]
    examples = net_training._find_telling_pieces(net_training._gather(screen, found, [], encode))
    for message, is_danger in ((len(found) - 2, True), (len(found) - 1, False)):
        pieces = net.cut_text(found[message].text)
        teaching = examples.teaches[examples.of == message]
        assert len(teaching) == len(pieces) > 2
        if is_danger:
            (one,) = np.flatnonzero(teaching)
            assert "blue" in pieces[one]
        else:
            assert teaching.all()


# The file


def test_a_net_that_was_written_judges_as_before(made, screen, tmp_path):
    net_training.write_net(tmp_path / "net.npz", made)
    read = net.read_net(tmp_path / "net.npz")
    for text in DANGERS + CRISES + LOOKALIKES:
        assert net.judge_text(read, screen, encode, text) == net.judge_text(
            made, screen, encode, text
        )
    with pytest.raises(ValueError, match="read-only"):
        read.danger.slots[0] = 1


@pytest.mark.parametrize(
    "harm", ["cut", "empty", "missing", "text", "short", "not a number", "old"]
)
def test_a_damaged_net_is_refused_with_a_sentence(made, tmp_path, harm):
    path = tmp_path / "net.npz"
    net_training.write_net(path, made)
    arrays = net.to_arrays(made)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "missing":
        path.unlink()
    elif harm == "text":
        path.write_text("a net")
    elif harm == "short":
        vector_cache.save_arrays(path, **arrays | {"rare": arrays["rare"][:5]})
    elif harm == "not a number":
        vector_cache.save_arrays(path, **arrays | {"thresholds": np.array([np.nan, 0])})
    else:
        vector_cache.save_arrays(path, **arrays | {"form": 0})
    with pytest.raises(net.NetFault, match="train again"):
        net.read_net(path)


def test_the_net_needs_numpy_alone_to_judge():
    code = (
        "import sys; from bot.safety import net;"
        "print([m for m in ('scipy', 'sklearn', 'rasa', 'onnxruntime') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


# Providing a release with a net


@pytest.fixture
def site(tmp_path, monkeypatch):
    """(folder of a release with few messages, folder of an encoder), both to be changed."""
    folder, home = tmp_path / "release", tmp_path / "encoder"
    (folder / "data" / "danger").mkdir(parents=True)
    home.mkdir()
    for name in ("safety.yml", "emergency_numbers.yml"):
        (folder / "data" / name).write_text((DATA / name).read_text("utf-8"), "utf-8")
    groups = [
        {"by": f"r{number}", "dangers": [f"{text} {number}" for text in DANGERS]}
        | {"lookalikes": [f"{text} {number}" for text in LOOKALIKES]}
        for number in range(4)
    ]
    (folder / "data" / "danger" / "stroke.yml").write_text(json.dumps(groups), "utf-8")
    (folder / "data" / "danger" / "suicide.yml").write_text(
        json.dumps([{"by": "r1", "dangers": list(CRISES)}]), "utf-8"
    )
    monkeypatch.setattr(vector_cache, "encode_all", lambda _, texts: encode(texts))
    monkeypatch.setattr(vector_cache, "encoder_hash", lambda _: "test")
    return folder, home


def test_a_net_for_the_same_messages_is_not_taught_twice(site, monkeypatch):
    folder, home = site
    net_training.provide_net(folder, home, ["what is a tic"])
    first = (folder / "net.npz").read_bytes()
    monkeypatch.setattr(net_training, "train_net", None)  # nobody may call it
    net_training.provide_net(folder, home, ["what is a tic"])
    net_training.provide_net(folder, home, ["what is a hiccup"])
    assert (folder / "net.npz").read_bytes() == first


def test_a_net_is_taught_anew_for_another_message(site):
    folder, home = site
    net_training.provide_net(folder, home, ["what is a tic"])
    path = folder / "data" / "danger" / "suicide.yml"
    path.write_text(path.read_text().replace("goodbye to everyone", "i am off for ever"))
    net_training.provide_net(folder, home, ["what is a tic"])
    assert len(list(home.glob("net-*.npz"))) == 2


def test_a_net_that_takes_phrases_for_dangers_is_taught_anew(site):
    folder, home = site
    net_training.provide_net(folder, home, ["what is a tic"])
    net_training.provide_net(folder, home, list(DANGERS) * 30)
    made = net.read_net(folder / "net.npz")
    assert net.judge_text(made, danger_screen.load_screen(DATA), encode, DANGERS[0]) is None


def test_messages_with_a_fault_teach_nothing(site):
    folder, home = site
    (folder / "data" / "danger" / "strok.yml").write_text("- by: A\n  dangers: [x]\n")
    with pytest.raises(danger_screen.SafetyFileError, match=r"strok\.yml:1: 'strok' is no kind"):
        net_training.provide_net(folder, home, [])
    assert not (folder / "net.npz").exists()


def test_a_site_without_messages_gets_no_net(site):
    folder, home = site
    for path in (folder / "data" / "danger").iterdir():
        path.unlink()
    net_training.provide_net(folder, home, ["what is a tic"])
    assert not (folder / "net.npz").exists()


def test_where_nothing_can_be_kept_beside_the_encoder_a_release_gets_its_net_all_the_same(
    site, monkeypatch
):
    folder, home = site
    write = net_training.write_net

    def refuse(path, made, **more):
        if path.parent == home:
            raise PermissionError
        write(path, made, **more)

    monkeypatch.setattr(net_training, "write_net", refuse)
    net_training.provide_net(folder, home, ["what is a tic"])
    assert net.read_net(folder / "net.npz")


def test_a_cache_of_vectors_that_is_broken_is_made_anew(tmp_path, monkeypatch):
    class Opened:
        def encode_layers(self, texts):
            return encode(texts)

    monkeypatch.setattr(vector_cache.encoder, "load_encoder", lambda folder: Opened())
    monkeypatch.setattr(vector_cache, "encoder_hash", lambda _: "test")
    (tmp_path / "vectors-test.npz").write_bytes(b"PK\x03\x04 cut short")
    first = vector_cache.encode_all(tmp_path, ["one", "two"])
    monkeypatch.setattr(vector_cache.encoder, "load_encoder", None)  # nobody may call it
    assert np.array_equal(vector_cache.encode_all(tmp_path, ["two", "one"]), first[::-1])
