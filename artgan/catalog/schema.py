"""The catalog's tables: every column with its type, meaning and rules, and each table's key.

Words of the archive, used everywhere in this sense:

* a *work* is the object in the museum (a painting, a print);
* a *scan* is one page of a file that shows a work (most files have one page); the same bytes are
  the same scans wherever they lie;
* a *collection* is a folder of the inbox, the unit for which models are trained;
* an *access copy* is the 8-bit sRGB rendering of a scan, upright, for people and networks;
* an *accession number* is the museum's own identifier of a work.

Types are chosen for every reader: no unsigned integers, perceptual hashes as hexadecimal text,
timestamps in UTC microseconds.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from artgan.catalog import examples
from artgan.catalog.examples import Example

TIMESTAMP = pa.timestamp("us", tz="UTC")

_CLIPPED = (
    "Share of pixels with a stored colour value of {}, 0 to 1; a JPEG over twice the size of its "
    "access copy is judged at reduced scale. Empty for CMYK, LAB, float and odd depths."
)
_SHARPNESS = (
    "Sharpness of the centre at 4000 px, 0 to 1: share of differences between neighbours that an "
    "average over 9 px removes (1 - blur of Crete et al. 2007)."
)
MASK_STATUS = ("proposed", "needs_review", "nothing_found", "failed")
_NONCONFORMITIES = "Codes of digitisation rules that the file breaks; see the list of rules."


def _field(
    name: str,
    kind: pa.DataType,
    description: str,
    *,
    required: bool = False,
    unit: str = "",
    **rules: object,
) -> pa.Field:
    """Make a column; rules are constraints of Table Schema: enum, minimum, maximum, pattern."""
    facts = {"description": description} | ({"unit": unit} if unit else {})
    facts |= {"constraints": json.dumps(rules)} if rules else {}
    return pa.field(name, kind, nullable=not required, metadata=facts)


def _choice(
    name: str, values: Sequence[str], more: str = "", *, required: bool = False
) -> pa.Field:
    """Make a column of text that is one of some values, which its description lists."""
    text = f"{', '.join(values[:-1])} or {values[-1]}{more}."
    return _field(name, pa.string(), text, required=required, enum=list(values))


@dataclass(frozen=True)
class Table:
    """One table of the catalog.

    Attributes:
        name: Folder name under ``catalog/`` and view name in queries.
        key: Column that identifies a row; derived from content, never repeated.
        description: What one row stands for.
        schema: Arrow schema; each field carries its description, its unit if it has one, and
            what its values keep to.
        examples: Queries worth starting from.
        references: Columns whose values, where there are any, are keys of another table, each with
            the name of that table. Left out are scans and masks of outputs, which may have been
            withdrawn, and runs, which are listed when they end.
    """

    name: str
    key: str
    description: str
    schema: pa.Schema
    examples: tuple[Example, ...] = ()
    references: tuple[tuple[str, str], ...] = ()


SCANS = Table(
    "scans",
    "scan_id",
    "One accepted scan: what the file is and what it shows.",
    pa.schema(
        [
            _field("scan_id", pa.string(), "sha256 of file (and page from 2), hex.", required=True),
            _field("collection", pa.string(), "Folder of the inbox it came in.", required=True),
            _field("source_path", pa.string(), "Path within the inbox.", required=True),
            _field("source_uri", pa.string(), "Full address it was read from.", required=True),
            _field("source_bytes", pa.int64(), "Size of the file.", required=True, unit="bytes"),
            _field("source_version", pa.string(), "Change mark of the store: mtime or ETag."),
            _field("format", pa.string(), "Container by content, not by name: jpeg, tiff, png..."),
            _field("extension_fits", pa.bool_(), "Whether the name ends as its format does."),
            _field("compression", pa.string(), "Compression inside the container, if known."),
            _field("width_px", pa.int32(), "Width of the upright picture.", unit="px"),
            _field("height_px", pa.int32(), "Height of the upright picture.", unit="px"),
            _field("channels", pa.int16(), "Channels as stored, alpha included."),
            _field("bit_depth", pa.int16(), "Depth of a channel as stored.", unit="bits"),
            _field("content_sha256", pa.string(), "sha256 of the file's bytes, in hex."),
            _field("page", pa.int32(), "Page of the file, from 1; reduced copies are no pages."),
            _field("pages", pa.int32(), "Pages in the file; frames, of which only the first is."),
            _field("colour_space", pa.string(), "Interpretation as stored: srgb, cmyk, b-w..."),
            _field("icc_name", pa.string(), "Description of the embedded ICC profile."),
            _field("icc_sha256", pa.string(), "sha256 of the embedded ICC profile."),
            _field("dpi", pa.float64(), "Horizontal resolution, if stated.", unit="px/inch"),
            _field("dpi_vertical", pa.float64(), "Vertical resolution likewise.", unit="px/inch"),
            _field("orientation", pa.int16(), "EXIF orientation found; 1 is upright."),
            _field("accession_number", pa.string(), "The museum's identifier of the work."),
            _field("title", pa.string(), "Title as delivered."),
            _field("artist", pa.string(), "Maker as delivered; several are joined with '; '."),
            _field("date_text", pa.string(), "Date of the work as delivered."),
            _field("year_from", pa.int32(), "Earliest meant by date_text, or stated.", unit="year"),
            _field("year_to", pa.int32(), "Latest meant by date_text, or stated.", unit="year"),
            _field("medium", pa.string(), "Material and technique as delivered."),
            _field("rights", pa.string(), "Rights statement as delivered."),
            _field("dimensions_text", pa.string(), "Size of the work as delivered."),
            _field("height_mm", pa.float64(), "Height of the work, null if ambiguous.", unit="mm"),
            _field("width_mm", pa.float64(), "Width of the work, null if ambiguous.", unit="mm"),
            _field("depth_mm", pa.float64(), "Depth of the work, null if ambiguous.", unit="mm"),
            _field("metadata_json", pa.string(), "Whole delivered row, JSON; null: none names it."),
            _field("metadata_source", pa.string(), "Path of its table within the inbox."),
            _field("phash", pa.string(), "Perceptual hash of the access copy, 16 hex digits."),
            _field("phash_algorithm", pa.string(), "How phash was computed."),
            _field("duplicate_group", pa.string(), "Same value: pictures of the same work."),
            _choice("split", ("train", "val", "test"), "; one per duplicate group"),
            _field("access_path", pa.string(), "Key of the access copy under the root."),
            _field("access_sha256", pa.string(), "sha256 of the access copy's bytes."),
            _field("object_id", pa.string(), "Same value: versions of one view of a work."),
            _field(
                "object_version", pa.int32(), "1 for a first scan, 2 for a re-scan...", minimum=1
            ),
            _field("is_current", pa.bool_(), "False once a re-scan took its place."),
            _field("access_width_px", pa.int32(), "Width of the access copy.", unit="px"),
            _field("access_height_px", pa.int32(), "Height of the access copy.", unit="px"),
            _field("clipped_shadows_fraction", pa.float64(), _CLIPPED.format("0")),
            _field("clipped_highlights_fraction", pa.float64(), _CLIPPED.format("its largest")),
            _field("sharpness", pa.float64(), _SHARPNESS, minimum=0, maximum=1),
            _field("nonconformities", pa.list_(pa.string()), _NONCONFORMITIES),
            _field("ingested_at", TIMESTAMP, "When the row was made."),
            _field("run_id", pa.string(), "Flow run that made the row."),
        ]
    ),
    examples.SCANS,
)

QUARANTINE = Table(
    "quarantine",
    "quarantine_id",
    "One refused file, or page of a file, with the reason.",
    pa.schema(
        [
            _field("quarantine_id", pa.string(), "Hash of path, content, page.", required=True),
            _field("collection", pa.string(), "Folder of the inbox it came in.", required=True),
            _field("source_path", pa.string(), "Path within the inbox.", required=True),
            _field("source_uri", pa.string(), "Full address it was read from.", required=True),
            _field("source_bytes", pa.int64(), "Size of the file.", required=True, unit="bytes"),
            _field("source_version", pa.string(), "Change mark of the store: mtime or ETag."),
            _field("content_sha256", pa.string(), "sha256 of the file's bytes."),
            _field("page", pa.int32(), "Page that was refused; empty if the whole file was."),
            _field("reason", pa.string(), "Reason code.", required=True),
            _field("message", pa.string(), "Reason in a sentence, with what to do."),
            _field("quarantined_at", TIMESTAMP, "When the row was made."),
            _field("run_id", pa.string(), "Flow run that made the row."),
        ]
    ),
    examples.QUARANTINE,
)

MASKS = Table(
    "masks",
    "mask_id",
    "One damage mask of a scan, delivered, detected or edited: white marks what is damaged.",
    pa.schema(
        [
            _field("mask_id", pa.string(), "Hash of scan_id and the mask's bytes.", required=True),
            _field("scan_id", pa.string(), "Scan it belongs to.", required=True),
            _field("collection", pa.string(), "Collection of the scan.", required=True),
            _field(
                *("source_path", pa.string(), "Path within the inbox; its key, if detected."),
                required=True,
            ),
            _field("source_uri", pa.string(), "Full address it was read from.", required=True),
            _field("source_bytes", pa.int64(), "Size of the file.", required=True, unit="bytes"),
            _field("source_version", pa.string(), "Change mark of the store: mtime or ETag."),
            _field("content_sha256", pa.string(), "sha256 of the mask's bytes."),
            _field("damaged_fraction", pa.float64(), "Share of damaged pixels, 0 to 1."),
            _field("mask_path", pa.string(), "Key of the kept copy (PNG) under the root."),
            _choice("origin", ("delivered", "detected", "edited"), "; empty means delivered"),
            _choice("status", MASK_STATUS, "; of detected masks"),
            _field("message", pa.string(), "Sentence that says what failed, or what to look at."),
            _field("model_id", pa.string(), "Detector that drew a detected mask."),
            _field("settings_json", pa.string(), "What was looked for, and how, as JSON."),
            _field("classes_json", pa.string(), "Share of the scan by class of damage, as JSON."),
            _field("probability_path", pa.string(), "Key of the damage probability, 8-bit PNG."),
            _field("overview_path", pa.string(), "Key of a picture that shows what is marked."),
            _field("ingested_at", TIMESTAMP, "When the row was made."),
            _field("run_id", pa.string(), "Flow run that made the row."),
        ]
    ),
    examples.MASKS,
    references=(("scan_id", "scans"), ("model_id", "models")),
)

MODELS = Table(
    "models",
    "model_id",
    "One trained model, promoted or not, and why.",
    pa.schema(
        [
            _field("model_id", pa.string(), "Hash of kind, data, settings, base.", required=True),
            _choice(
                "kind",
                (
                    *("restoration", "simulation", "style", "tone", "denoise", "upscale"),
                    *("detection", "fast", "adain", "cyclegan", "multi"),
                ),
                required=True,
            ),
            _field("collection", pa.string(), "Collection, or archive for a base.", required=True),
            _field("base_model_id", pa.string(), "Model that training started from."),
            _field("preset", pa.string(), "Size and length of training by name."),
            _field("settings_json", pa.string(), "All settings of the training, as JSON."),
            _field("training_sha256", pa.string(), "sha256 over the sorted training scan_ids."),
            _field("n_train", pa.int32(), "Works it was trained on."),
            _field("n_val", pa.int32(), "Held-out works that decided on promotion."),
            _field("catalog_version", pa.int64(), "Version of the scans table trained on."),
            _field("steps", pa.int32(), "Optimisation steps."),
            _field("seconds", pa.float64(), "Training time over all attempts.", unit="s"),
            _field("metric", pa.string(), "Measure that decides on promotion."),
            _field("value", pa.float64(), "Its value on the held-out works."),
            _field("incumbent_value", pa.float64(), "The same measure of what it would replace."),
            _field("promoted", pa.bool_(), "Whether it replaced what was in use; the newest is."),
            _field("reason", pa.string(), "Why it was promoted or not."),
            _field("history_json", pa.string(), "Held-out measures during training, as JSON."),
            _field("weights_path", pa.string(), "Key of the weights under the root."),
            _field("weights_sha256", pa.string(), "sha256 of the weights file."),
            _field("withdrawn_works", pa.int32(), "Its training works withdrawn since."),
            _field("device", pa.string(), "Device it was trained on."),
            _field("code_version", pa.string(), "Version of artgan."),
            _field("created_at", TIMESTAMP, "When training ended."),
            _field("run_id", pa.string(), "Flow run that made the row."),
        ]
    ),
    examples.MODELS,
    references=(("base_model_id", "models"),),
)

OUTPUTS = Table(
    "outputs",
    "output_id",
    "One file made: restored, simulated, stylized, a film, a texture, for IIIF...; or why not.",
    pa.schema(
        [
            _field("output_id", pa.string(), "Hash of inputs, model, settings.", required=True),
            _choice(
                "kind",
                ("restored", "enhanced", "simulated", "stylized", "iiif", "texture", "film"),
                required=True,
            ),
            _field("collection", pa.string(), "Collection whose model or style.", required=True),
            _field(
                "scan_id",
                pa.string(),
                "Source scan; of a texture the first; empty for films and simulated works, not for "
                "pans and projections.",
            ),
            _field("mask_id", pa.string(), "Damage mask used, for restored works."),
            _field("source_output_id", pa.string(), "Output it was made of, if not of the scan."),
            _field(
                "model_id",
                pa.string(),
                "Model used, the last of several; empty for classical methods.",
            ),
            _field(
                "method",
                pa.string(),
                "Filler, generator, color, cut, fast...; tone+denoise+x2...; iiif: access, full; "
                "simulation also interpolation, axes, projection, comparison; texture: transport.",
            ),
            _field("seed", pa.int64(), "Seed that reproduces a simulated work or a texture."),
            _field("settings_json", pa.string(), "Settings that shaped the file, as JSON."),
            _choice("status", ("ok", "failed", "withdrawn"), required=True),
            _field("message", pa.string(), "Sentence that says what failed."),
            _field("output_path", pa.string(), "Key of the file under the root."),
            _field("output_sha256", pa.string(), "sha256 of the file."),
            _field("output_bytes", pa.int64(), "Size of the file.", unit="bytes"),
            _field("width_px", pa.int32(), "Width of the picture.", unit="px"),
            _field("height_px", pa.int32(), "Height of the picture.", unit="px"),
            _field("bit_depth", pa.int16(), "Depth of a channel.", unit="bits"),
            _field("changed_pixels", pa.int64(), "Pixels that differ from the source.", unit="px"),
            _field("masked_pixels", pa.int64(), "Inside the effective damage mask.", unit="px"),
            _field(
                *("changed_outside_mask", pa.int64(), "Changed outside it; must be 0."),
                unit="px",
                maximum=0,
            ),
            _choice("assessment", ("ok", "conjectural", "needs_review"), "; by rule"),
            _field("input_mask_path", pa.string(), "Key of the damage mask as it was drawn."),
            _field("effective_mask_path", pa.string(), "Key of the mask of what may change."),
            _field("patch_path", pa.string(), "Key of (restored - scan) modulo 2^bits, a TIFF."),
            _field("patch_sha256", pa.string(), "sha256 of the patch."),
            _field(
                "preview_path",
                pa.string(),
                "Key of a picture with hatched fills; of films, a strip of frames.",
            ),
            _field("report_path", pa.string(), "Key of the report on what was done, JSON."),
            _field("report_sha256", pa.string(), "sha256 of the report."),
            _field("digital_source_type", pa.string(), "IPTC term written inside the file."),
            _field("seconds", pa.float64(), "Time taken.", unit="s"),
            _field("created_at", TIMESTAMP, "When the file was made."),
            _field("run_id", pa.string(), "Flow run that made the row."),
            _field(
                *("gram_distance", pa.float64()),
                "Stylized: distance to the style's patterns in VGG-19; empty without its weights.",
            ),
            _field(
                *("color_gram_distance", pa.float64()),
                "That of colour transfer alone, for the same work and style.",
            ),
            _field(
                *("cfsd", pa.float64()),
                "Stylized: how much of the work's structure was lost (CFSD); 0 is none.",
            ),
            _field(*("color_cfsd", pa.float64()), "That of colour transfer alone."),
            _field("phash", pa.string(), "Perceptual hash of the picture, 16 hex digits."),
            _field("source_sha256", pa.string(), "Films: sha256 of the film they were made of."),
            _field("frames", pa.int64(), "Films: number of frames."),
            _field("shots", pa.int32(), "Films: number of shots, each stylized by itself."),
            _field(*("seconds_long", pa.float64(), "Films: how long they play."), unit="s"),
            _field(
                *("warping_error", pa.float64()),
                "Films: mean squared change beyond the motion, of [0, 1]; 0 is steady.",
            ),
            _field(*("source_warping_error", pa.float64()), "That of the source."),
            _field(
                *("frame_difference", pa.float64()),
                "Films: mean change from frame to frame, motion and all, of [0, 1].",
            ),
            _field(*("source_frame_difference", pa.float64()), "That of the source."),
        ]
    ),
    examples.OUTPUTS,
    references=(("model_id", "models"),),
)

METRICS = Table(
    "metrics",
    "metric_id",
    "One number, with its interval, its sample and how it was measured.",
    pa.schema(
        [
            _field("metric_id", pa.string(), "Hash of all that defines the number.", required=True),
            _field("collection", pa.string(), "Collection measured.", required=True),
            _choice(
                "product",
                (
                    *("restoration", "simulation", "stylization"),
                    *("detection", "tone", "denoise", "upscale"),
                    *("privacy", "robustness"),
                ),
            ),
            _field("subject", pa.string(), "Model kind or method measured: filler, telea, cut..."),
            _field("model_id", pa.string(), "Model measured, if any."),
            _field("metric", pa.string(), "Name of the measure.", required=True),
            _field(
                *("stratum", pa.string()),
                "Part of the sample, such as a class of damage; empty for the whole of it.",
            ),
            _field("value", pa.float64(), "The number."),
            _field("ci_low", pa.float64(), "Lower end of the 95 % interval."),
            _field("ci_high", pa.float64(), "Upper end of the 95 % interval."),
            _field("ci_method", pa.string(), "How the interval was found."),
            _field("unit", pa.string(), "Unit; empty for a pure number."),
            _field("n_reference", pa.int32(), "Distinct real works it is measured against."),
            _field("n_measured", pa.int32(), "Generated or restored pictures measured."),
            _field("n_matched", pa.int32(), "Sample size at which both sides are compared."),
            _field("reference_split", pa.string(), "Split of the real works: test, all..."),
            _field("reference_sha256", pa.string(), "sha256 over the sorted reference scan_ids."),
            _field("extractor", pa.string(), "Feature network, for distances of sets."),
            _field("extractor_sha256", pa.string(), "sha256 of its weights, if they are a file."),
            _field("preprocessing", pa.string(), "Resizing and scaling before the network."),
            _field("is_fid", pa.bool_(), "True only with the real 2015 Inception weights."),
            _choice("status", ("ok", "small_n", "insufficient_n")),
            _field("note", pa.string(), "What a reader must know about the sample."),
            _field("created_at", TIMESTAMP, "When it was measured."),
            _field("run_id", pa.string(), "Flow run that made the row."),
        ]
    ),
    examples.METRICS,
    references=(("model_id", "models"),),
)

RUNS = Table(
    "runs",
    "run_id",
    "One finished flow run; a run that was killed and started again is the same run.",
    pa.schema(
        [
            _field("run_id", pa.string(), "Hash of flow, settings, number.", required=True),
            _field("flow", pa.string(), "Name of the flow.", required=True),
            _field("number", pa.int32(), "Count of finished runs of this flow, from 1."),
            _field("parent_run_id", pa.string(), "Run that started this one, if any."),
            _choice("status", ("completed", "failed")),
            _field("message", pa.string(), "Outcome in a sentence."),
            _field("settings_json", pa.string(), "Settings of the run, as JSON."),
            _field("counts_json", pa.string(), "What was made, skipped and refused, as JSON."),
            _field("n_done", pa.int64(), "Items made by this run."),
            _field("n_skipped", pa.int64(), "Items that were already there."),
            _field("n_failed", pa.int64(), "Items that failed."),
            _field("n_quarantined", pa.int64(), "Files refused by this run."),
            _field("seconds", pa.float64(), "Time of the last attempt.", unit="s"),
            _field("versions_json", pa.string(), "Versions of artgan and its libraries, as JSON."),
            _field("started_at", TIMESTAMP, "When the last attempt started."),
            _field("ended_at", TIMESTAMP, "When it ended."),
        ]
    ),
    examples.RUNS,
)

EVENTS = Table(
    "events",
    "event_id",
    "One thing that happened to a file, in the words of PREMIS: ingestion, fixity check...",
    pa.schema(
        [
            _field("event_id", pa.string(), "Hash of type, object and run.", required=True),
            _field("event_type", pa.string(), "PREMIS event type, in words.", required=True),
            _field("event_at", TIMESTAMP, "When it happened."),
            _choice("outcome", ("success", "warning", "fail"), required=True),
            _field("outcome_detail", pa.string(), "Sentence that says more."),
            _choice("object_kind", ("scan", "mask", "access copy", "output", "model")),
            _field("object_path", pa.string(), "Key under the root, or address of a source."),
            _field("scan_id", pa.string(), "Scan that it is about, if one."),
            _field("output_id", pa.string(), "Output that it is about, if one."),
            _field("model_id", pa.string(), "Model that it is about, if one."),
            _field("digest_algorithm", pa.string(), "SHA-256, where digests are given."),
            _field("digest_expected", pa.string(), "Digest that the catalog holds, in hex."),
            _field("digest_found", pa.string(), "Digest of the bytes read, in hex."),
            _field("agent", pa.string(), "Program that did it, with its version."),
            _field("run_id", pa.string(), "Flow run that it happened in."),
        ]
    ),
    examples.EVENTS,
)

WITHDRAWALS = Table(
    "withdrawals",
    "scan_id",
    "One scan that was withdrawn: why, by whom, and what keeps it from coming back.",
    pa.schema(
        [
            _field("scan_id", pa.string(), "Scan withdrawn.", required=True),
            _field("content_sha256", pa.string(), "sha256 of its file's bytes."),
            _field("phash", pa.string(), "Its perceptual hash, 16 hex digits."),
            _field("collection", pa.string(), "Collection it was in.", required=True),
            _field("source_path", pa.string(), "Path within the inbox."),
            _field("source_version", pa.string(), "Change mark of its file when withdrawn."),
            _field("accession_number", pa.string(), "The museum's identifier of the work."),
            _field("object_id", pa.string(), "View of a work that it was a version of."),
            _field("split", pa.string(), "Split it was in."),
            _field("reason", pa.string(), "Why it was withdrawn.", required=True),
            _field("requested_by", pa.string(), "Who asked for it."),
            _field("removed_files", pa.int64(), "Files made of it that were removed."),
            _field("removed_masks", pa.int64(), "Damage masks removed."),
            _field("withdrawn_outputs", pa.int64(), "Outputs made of it, no longer there."),
            _field("marked_models", pa.int64(), "Models that were trained on it."),
            _field("withdrawn_at", TIMESTAMP, "When the withdrawal began."),
            _field("run_id", pa.string(), "Flow run that withdrew it."),
        ]
    ),
    examples.WITHDRAWALS,
)

REVIEWS = Table(
    "reviews",
    "review_id",
    "One judgement by a person of a file that was made. Of several of one file, the last counts.",
    pa.schema(
        [
            _field("review_id", pa.string(), "Hash of file and run.", required=True),
            _field("output_id", pa.string(), "File that was looked at.", required=True),
            _field("collection", pa.string(), "Collection of the file.", required=True),
            _field("scan_id", pa.string(), "Scan that it was made of; empty for simulated works."),
            _choice("decision", ("accepted", "accepted_with_notes", "rejected"), required=True),
            _field("reviewer", pa.string(), "Who judged it.", required=True),
            _field("role", pa.string(), "What the reviewer is, such as paintings conservator."),
            _field("notes", pa.string(), "What the reviewer said of it."),
            _field("output_sha256", pa.string(), "sha256 of the file that was looked at."),
            _field("reviewed_at", TIMESTAMP, "When the judgement was recorded.", required=True),
            _field("run_id", pa.string(), "Flow run that made the row."),
        ]
    ),
    examples.REVIEWS,
    references=(("output_id", "outputs"),),
)

UNMATCHED = Table(
    "unmatched_metadata",
    "unmatched_id",
    "One delivered row of metadata that describes no scan; it goes when its scan is there.",
    pa.schema(
        [
            _field("unmatched_id", pa.string(), "Hash of collection, table, row.", required=True),
            _field("collection", pa.string(), "Collection; empty if it names none.", required=True),
            _field("named", pa.string(), "Scan that the row names: a file, a number, an address."),
            _choice("reason", ("no_scan", "repeated", "names_nothing"), required=True),
            _field("accession_number", pa.string(), "The museum's identifier of the work."),
            _field("title", pa.string(), "Title as delivered."),
            _field("date_text", pa.string(), "Date of the work as delivered."),
            _field("metadata_json", pa.string(), "The whole delivered row, as a JSON object."),
            _field("metadata_source", pa.string(), "Path of its table within the inbox."),
            _field("listed_at", TIMESTAMP, "When the row was made."),
            _field("run_id", pa.string(), "Flow run that made the row."),
        ]
    ),
    examples.UNMATCHED,
)

TABLES: tuple[Table, ...] = (
    SCANS,
    QUARANTINE,
    MASKS,
    MODELS,
    OUTPUTS,
    METRICS,
    RUNS,
    EVENTS,
    WITHDRAWALS,
    REVIEWS,
    UNMATCHED,
)
