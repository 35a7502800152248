"""A release takes over from another while visitors ask."""

import shutil
import time

import conftest


def wait(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come so far"
        time.sleep(0.1)


def test_where_only_texts_have_changed_the_rasa_that_runs_stays_and_so_does_the_place_in_a_story(
    tmp_path,
):
    models = tmp_path / "models"
    models.mkdir()
    conftest.republish(models, lambda data: None)
    with conftest.serving(tmp_path, MODELS=str(models)) as service:
        rasa, token = service.children()["rasa"], service.open()
        assert service.ask("what is clonazepam for", token)[0]["question"] == "myoclonus.clonazepam"
        live = (models / "live").read_text()
        newer = shutil.copytree(models / "releases" / live, models / "releases" / "20990101-000000")
        texts = newer / "data/texts.yml"
        texts.write_text(
            texts.read_text().replace("greeting: ", "greeting: Ahoy from the newer one. ", 1)
        )
        conftest.sign_content(newer, id=newer.name)
        (models / "live").write_text(newer.name)
        wait(lambda: "Ahoy" in service.ask("hello")[0]["text"])
        assert (
            service.children()["rasa"] == rasa
            and "with the same archive" in service.log.read_text()
        )
        assert service.rows("select release from turns order by id desc limit 1") == [(newer.name,)]
        assert (
            service.ask("what are its side effects", token)[0]["question"] == "myoclonus.clonazepam"
        )
