"""The card of a model, made from what the catalog knows of it.

Reference:
    Mitchell et al. 2019, "Model Cards for Model Reporting", arXiv:1810.03993
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from artgan.catalog.models import BASE, STARTER
from artgan.report.card import Card, Delivered, Section
from artgan.report.measures import Measure, base_title, canonical
from artgan.report.privacy import privacy_words
from artgan.report.simulators import simulator_words
from artgan.report.snapshot import Row
from artgan.report.words import (
    NOT_APPLICABLE,
    NOT_MEASURED,
    NOT_RECORDED,
    clip,
    count,
    duration,
    moment,
    number,
)

_RIGHTS_SHOWN = 10
_LOG_SHOWN = 30

_PURPOSE = {
    "restoration": "Fills damage that a mask marks in a scan, so that a reader sees a whole "
    "picture; nothing outside the mask is changed.",
    "simulation": "Makes new small pictures in the manner of a collection, to show what a model "
    "learned from it.",
    "style": "Renders works of other collections in the manner of this one.",
    "detection": "Proposes where a scan is damaged, as a mask for a person to correct; nothing is "
    "filled by it.",
    "tone": "Guesses fifteen numbers from a thumbnail that undo yellowed varnish and fading; they "
    "act on each pixel by itself and can be undone.",
    "denoise": "Takes noise, slight blur and traces of JPEG out of a scan; large shapes and "
    "colours stay by construction.",
    "upscale": "Doubles the size of a scan; the added detail is likely, not seen.",
    "fast": "Renders works in the manner of this collection, at any size, in one pass.",
    "adain": "Renders works in the manner of any picture or of a blend of several.",
    "cyclegan": "Renders works of other collections in the manner of this one.",
    "multi": "Renders works in the manner of any of the archive's collections, or of a blend.",
}
_ARCHITECTURE = {
    "restoration": "U-Net over a push-pull prefill; a PatchGAN takes part in the last part of the "
    "training (artgan.models.filler).",
    "style": "Contrastive unpaired translator (artgan.models.translator).",
    "detection": "U-Net over the picture, one logit for each class of damage and one for their "
    "union (artgan.models.detector).",
    "tone": "Convolutions and quantiles of a thumbnail of 32 x 32, to a gamma and a 3 x 4 affine "
    "map (artgan.models.tone).",
    "denoise": "Residual U-Net over the picture itself, its correction high-passed "
    "(artgan.models.finisher).",
    "upscale": "Residual blocks and a pixel shuffle over bicubic enlargement, the correction "
    "high-passed (artgan.models.finisher).",
    "fast": "Residual painter over a colour transfer, normalised by moments of the whole picture, "
    "taught by Gram matrices of VGG-19 (artgan.models.painter).",
    "adain": "The same, with the moments of the style picture's own features "
    "(artgan.models.painter).",
    "cyclegan": "Unpaired translator, trained beside one that leads back "
    "(artgan.models.translator).",
    "multi": "Residual painter over a colour transfer with moments for each collection, judged by "
    "a discriminator that also tells collections apart (artgan.models.multi).",
}
_FAILURES = {
    "restoration": "Large losses, faces, writing and signatures: the filling is smooth or invented "
    "there. Structures that cross a loss may be joined wrongly.",
    "simulation": "Works are small, and details are textures rather than things; rare motifs of "
    "the collection are missing.",
    "style": "Composition and contours may bend; skies and grounds take on strokes they never had.",
    "detection": "Strong outlines, highlights, writing and seals are taken for damage, and damage "
    "in the colour of its surroundings is missed. It learned on drawn damage, not on real one.",
    "tone": "A work that is meant to be warm may be taken for a yellowed one; stains and uneven "
    "varnish stay, since every pixel is treated alike.",
    "denoise": "Grain, canvas and fine brushwork look like noise to it and may be smoothed.",
    "upscale": "Writing, faces and fine lines may be drawn wrongly; noise in the scan is enlarged "
    "as if it were detail.",
    "fast": "It gives the collection's average colours and strokes to everything; where the "
    "collection has several manners, that is a mixture of them. Strokes have the size in pixels "
    "that it was trained at.",
    "adain": "Styles unlike the archive's own are given in colour and contrast more than in "
    "strokes; strokes have the size in pixels that it was trained at.",
    "cyclegan": "What it adds can be taken away again by another network, so it may hide rather "
    "than paint; strokes have the size in pixels that it was trained at.",
    "multi": "Collections that look alike get the same manner; strokes have the size in pixels "
    "that it was trained at.",
}
_DAMAGE = {
    "restoration": "simulated: strokes, scratches and losses drawn over whole works",
    "tone": "simulated: varnish (Beer-Lambert in linear light, with scatter) and fading",
    "denoise": "simulated: blur, Gaussian and Poisson noise, JPEG",
    "upscale": "simulated: halved with three kernels, some noisy or compressed as well",
    "detection": "simulated: nine classes, drawn over seven crops in ten",
}
_TAGS = {
    "restoration": "image-inpainting",
    "simulation": "unconditional-image-generation",
    "style": "image-to-image",
    "detection": "image-segmentation",
    "tone": "image-to-image",
    "denoise": "image-to-image",
    "upscale": "image-to-image",
    "fast": "image-to-image",
    "adain": "image-to-image",
    "cyclegan": "image-to-image",
    "multi": "image-to-image",
}
_NOT_FOR = (
    "Not for authentication or attribution.",
    "Not for judging the condition of an object, and not as a guide to its physical treatment.",
    "Not for publication without the mark that a program made the picture.",
)
_COPIES = ("copied_share", "copy_ratio")


def model_title(row: Row) -> str:
    """Return what a model is called."""
    named = {
        "style": "Stylization",
        "denoise": "Noise and blur",
        "upscale": "Enlargement",
        "fast": "Painting",
        "adain": "Any-style painting",
        "cyclegan": "Stylization there and back",
        "multi": "All-collections painting",
    }
    kind = named.get(row["kind"], str(row["kind"]).capitalize())
    whose = "the whole archive" if row["collection"] == BASE else clip(row["collection"], 80)
    return f"{kind} model of {whose}"


def model_card(
    row: Row,
    measures: Sequence[Measure],
    works: Sequence[Row],
    siblings: Sequence[Row],
    reviewed: str,
) -> Card:
    """Write the card of a model.

    Args:
        row: Its row of the models table.
        measures: Its newest numbers on held-out works.
        works: The works of its collection, or of the archive, one scan each.
        siblings: All models of its kind and collection, the oldest first.
        reviewed: How conservators judged its files, in a sentence.
    """
    sections = (
        _identity(row),
        Section("Purpose", (_PURPOSE[row["kind"]],)),
        Section("Not for", _NOT_FOR),
        _network(row),
        _data(row, works),
        _training(row),
        _evaluation(row, measures),
        Section("Known failures", (_FAILURES[row["kind"]],), (("Worst cases", _worst(measures)),)),
        _memorisation(row, measures),
        _privacy(row, measures),
        Section("Human review", (reviewed,)),
        Section("Licence", (), (("Licence of the weights", NOT_RECORDED), *_rights(row, works))),
        _log(siblings),
    )
    return Card(f"{model_title(row)}, {row['model_id']}", _front(row, measures), sections)


def _front(row: Row, measures: Sequence[Measure]) -> dict[str, Any]:
    results = [
        {
            "task": {"type": _TAGS[row["kind"]]},
            "dataset": {"type": "artgan", "name": clip(one.row["collection"], 80)},
            "metrics": [
                {
                    "type": one.row["metric"],
                    "name": f"{one.title} ({one.subject})",
                    "value": one.row["value"],
                }
            ],
        }
        for one in measures
        if one.row["value"] is not None
    ]
    return {
        "license": "other",
        "library_name": "artgan",
        "tags": ["cultural-heritage", _TAGS[row["kind"]]],
        "datasets": [clip(row["collection"], 80)],
        "model-index": [{"name": row["model_id"], "results": results}],
    }


def _identity(row: Row) -> Section:
    verdict = "taken into use" if row["promoted"] else "not taken into use"
    return Section(
        "Identity",
        (),
        (
            ("Model", row["model_id"]),
            ("Version of artgan", row["code_version"] or NOT_RECORDED),
            ("Date", moment(row["created_at"])),
            ("Verdict", Delivered(f"{verdict}: {clip(row['reason'], 300) or NOT_RECORDED}")),
            ("Owner and contact", NOT_RECORDED),
        ),
    )


def _network(row: Row) -> Section:
    preset = _settings(row).get("preset", {})
    sizes = {
        name: preset[name]
        for name in ("size_px", "crop_px", "short_side_px", "widths", "base_channels", "width")
        if name in preset
    }
    words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sizes.items())
    return Section(
        "Network",
        (simulator_words(preset) if row["kind"] == "simulation" else _ARCHITECTURE[row["kind"]],),
        (
            ("Sizes", words or NOT_RECORDED),
            ("Started from", row["base_model_id"] or "no other model"),
            ("Weights, SHA-256", row["weights_sha256"] or NOT_RECORDED),
        ),
    )


def _data(row: Row, works: Sequence[Row]) -> Section:
    gone = row["withdrawn_works"] or 0
    version = row["catalog_version"]
    damage = _DAMAGE.get(row["kind"], NOT_APPLICABLE)
    collection = "all collections" if row["collection"] == BASE else clip(row["collection"], 80)
    if row["preset"] == STARTER:
        collection = "none: works that a program drew (artgan.sample), no scan among them"
    return Section(
        "Training data",
        ("Split by work: no scan of a held-out work was learned from.",),
        (
            ("Collection", Delivered(collection)),
            ("Version of the table scans", NOT_RECORDED if version is None else count(version)),
            ("Works learned from", count(row["n_train"])),
            ("Held-out works that decided on promotion", count(row["n_val"])),
            ("Training works withdrawn since", count(gone)),
            ("Damage", damage),
            ("Training set, SHA-256 of its identifiers", row["training_sha256"] or NOT_RECORDED),
            *_rights(row, works),
        ),
    )


def _rights(row: Row, works: Sequence[Row]) -> list[tuple[str, str]]:
    if row["preset"] == STARTER:
        return [("Rights of the works", "drawn by a program that is part of artgan")]
    amounts = Counter(clip(row["rights"], 90) or NOT_RECORDED for row in works)
    ordered = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{name}: {count(n, 'work')}" for name, n in ordered[:_RIGHTS_SHOWN]]
    rest = len(ordered) - _RIGHTS_SHOWN
    shown += [f"and {rest:,} other statements"] if rest > 0 else []
    return [("Rights of the works now", Delivered("; ".join(shown) or NOT_RECORDED))]


def _training(row: Row) -> Section:
    seed = _settings(row).get("seed")
    return Section(
        "Training",
        (),
        (
            ("Preset", row["preset"] or NOT_RECORDED),
            ("Steps", count(row["steps"])),
            ("Seed", NOT_RECORDED if seed is None else str(seed)),
            ("Device", row["device"] or NOT_RECORDED),
            ("Time", duration(row["seconds"])),
            ("Energy", NOT_MEASURED),
            ("All settings", Delivered(row["settings_json"] or NOT_RECORDED)),
        ),
    )


def _settings(row: Row) -> dict[str, Any]:
    return json.loads(row["settings_json"] or "{}")


def _evaluation(row: Row, measures: Sequence[Measure]) -> Section:
    before = row["incumbent_value"]
    then = NOT_APPLICABLE if before is None else number(before)
    deciding = f"{base_title(row['metric'] or '')} {number(row['value'])}"
    facts = [
        ("Deciding measure at the end of training", f"{deciding} ({count(row['n_val'], 'work')})"),
        (
            "The same of what was in use before",
            then,
        ),
    ]
    facts += [
        (
            Delivered(f"{clip(one.row['collection'], 60)}, {one.subject}"),
            Delivered(one.sentence + (f". {one.caution}" if one.caution else "")),
        )
        for one in measures
        if one.row["product"] != "privacy"
    ]
    facts += [("By medium, and by kind of damage", NOT_MEASURED)]
    words = "Held-out works only. Rows of other methods are measured on the same works."
    return Section("Evaluation", (words,), tuple(facts))


def _worst(measures: Sequence[Measure]) -> str:
    if not measures:
        return NOT_MEASURED
    return "shown on the model's page, chosen by rule and not by hand"


def _memorisation(row: Row, measures: Sequence[Measure]) -> Section:
    if row["kind"] != "simulation":
        return Section(
            "Memorisation", (f"{NOT_APPLICABLE.capitalize()}: the model is given a picture.",)
        )
    found = [one.sentence for one in measures if canonical(one.row["metric"]) in _COPIES]
    words = tuple(f"{one}." for one in found) or (f"{NOT_MEASURED.capitalize()} yet.",)
    return Section("Memorisation", words)


def _privacy(row: Row, measures: Sequence[Measure]) -> Section:
    facts = [
        (Delivered(f"{clip(one.row['collection'], 60)}, {one.subject}"), Delivered(one.sentence))
        for one in measures
        if one.row["product"] == "privacy"
    ]
    return Section("Privacy", (privacy_words(row, measures),), tuple(facts))


def _log(siblings: Sequence[Row]) -> Section:
    lines = [
        (
            moment(row["created_at"]),
            f"{row['model_id']}: {number(row['value'])} on {count(row['n_val'], 'work')}, "
            f"{'taken into use' if row['promoted'] else 'not taken into use'}",
        )
        for row in siblings[-_LOG_SHOWN:]
    ]
    words = f"{count(len(siblings), 'model')} of this kind and collection so far."
    return Section("Change log", (words,), tuple(lines))
