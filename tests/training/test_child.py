"""A training as its child process runs it, in archives that already have models."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open

from artgan.imaging.write import png_bytes
from artgan.models.simulators import load_simulator
from artgan.presets import PRESETS
from artgan.storage import open_store
from artgan.training import restoration
from artgan.training.child import run
from artgan.training.plan import OF_TWO_SIDES, TrainJob, Works, fitting

PUBLISHED = {
    *("generator_ema", "perceptual", "translator_ema", "multi_ema", "detector_ema", "painter_ema"),
}
KINDS = ("restoration", "simulation", "style", "cyclegan", "multi")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(restoration, "VALIDATION_CROPS", 4)
    store = open_store(str(tmp_path))
    rng = np.random.default_rng(0)
    for number in range(12):
        blocks = rng.integers(0, 256, (9, 10, 3), dtype=np.uint8)
        picture = np.kron(blocks, np.ones((16, 16, 1), np.uint8))
        store.write(f"access/{number}.png", png_bytes(picture))
    return store


def job_for(kind, preset, steps, **more):
    names = [f"access/{number}.png" for number in range(12)]
    train, val, *content = (Works(tuple(p), tuple(p)) for p in (names[:3], names[3:6], names[6:]))
    if kind == "multi":
        of = ("prints", "rivers") * 3
        train, val = (Works(tuple(p), tuple(p), of) for p in (names[:6], names[6:]))
    if kind in OF_TWO_SIDES:
        more |= {"content_train": content[0], "content_val": val}
    return TrainJob(kind, "archive", preset, steps, 0, train, val, **more)


def card_of(store, job):
    return json.loads(store.read(f"{job.folder}/model.json"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_another_size_is_measured_and_replaced(kind, store):
    small = job_for(kind, "smoke", 2)
    run(store.root, small, lambda _: None)
    if kind != "multi":  # which names its collections, and the presets none
        assert fitting(card_of(store, small), kind, "smoke") is not None
    assert fitting(card_of(store, small), kind, "tiny") is None

    larger = job_for(kind, "demo", 2, incumbent=small.folder)
    run(store.root, larger, lambda _: None)
    card = card_of(store, larger)
    assert np.isfinite(card["incumbent_value"])
    assert (
        json.loads(card["settings_json"])["preset"]
        != json.loads(card_of(store, small)["settings_json"])["preset"]
    )


OTHERS = [
    replace(PRESETS["smoke"].simulation, network=network, loss="hinge", **more)
    for network, more in (("style", {"continuous": 1, "modes": 2}), ("dcgan", {}))
]


@pytest.mark.parametrize(
    ("kind", "chosen"),
    [
        *((kind, None) for kind in (*KINDS, "detection")),
        *(("simulation", one) for one in OTHERS),
        *((kind, None) for kind in ("fast", "adain")),
    ],
)
def test_no_published_model_holds_a_discriminator(kind, chosen, store, request):
    more = {} if chosen is None else {"simulation": chosen}
    if kind in {"fast", "adain"}:
        more["weights"] = str(request.getfixturevalue("real_data") / "weights")
    job = job_for(kind, "smoke", 2, **more)
    run(store.root, job, lambda _: None)
    for entry in store.entries("models"):
        if entry.key.endswith(".safetensors"):
            with safe_open(store.uri(entry.key), "numpy") as weights:
                networks = {name.split(".")[0] for name in weights.keys()}  # noqa: SIM118
            assert networks <= PUBLISHED, entry.key
    kept = {entry.key for entry in store.entries("confidential")}
    assert kept <= {f"{job.confidential}/training.safetensors"}
    again = job_for(kind, "smoke", 3, base_model=job.folder, **more)
    run(store.root, again, lambda _: None)
    assert card_of(store, again)["base_model_id"] == job.model_id


def test_presets_of_one_size_hand_their_models_on():
    row = {"settings_json": json.dumps({"preset": vars(PRESETS["demo"].restoration)})}
    assert fitting(row, "restoration", "tiny") is row
    assert fitting(None, "restoration", "tiny") is None


def test_a_chosen_network_is_published_with_its_settings(store):
    chosen = replace(
        PRESETS["smoke"].simulation,
        network="style",
        loss="hinge",
        continuous=1,
        classes=("prints", "rivers"),
    )
    job = job_for("simulation", "smoke", 2, simulation=chosen)
    named = replace(job.train, collections=("prints", "rivers", "prints"))
    job = replace(job, train=named)
    run(store.root, job, lambda _: None)
    simulator = load_simulator(store.read(card_of(store, job)["weights_path"]))
    assert simulator.preset == chosen
    assert simulator.label_of("rivers") == 1
    # a later training from it, of one collection
    tuned = replace(job, collection="rivers", base_model=job.folder)
    run(store.root, tuned, lambda _: None)
    assert np.isfinite(card_of(store, tuned)["incumbent_value"])
