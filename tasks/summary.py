"""What a person sees of a run in Prefect: a summary with pictures, and a table of what failed.

Every fact comes from the catalog by run_id; a run shows what the runs below it did as well. What
cannot be shown is a warning in the run's log, and never changes how the run ends.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from artgan.catalog.models import BASE
from artgan.catalog.runs import Run
from artgan.catalog.schema import QUARANTINE, SCANS
from artgan.catalog.table import Catalog
from artgan.clock import now
from artgan.config import Settings
from artgan.errors import ArtganError
from artgan.report.measures import base_title, unit
from artgan.report.snapshot import INDEX, Snapshot, output_source, scan_source, scan_title
from artgan.report.thumbs import open_thumbnails
from artgan.report.words import count, duration, number, tally
from artgan.storage import Store
from tasks.ended import PICTURES_SHOWN, Ended, in_turn
from tasks.failures import NOT_TAKEN, SENTENCE, in_brief
from tasks.progress import outcome_first
from tasks.strip import Shot, draw, escape, load_picture, load_shot

MODELS_SHOWN = 60
FAILURES_SHOWN = 10
DOUBTFUL_SHOWN = 10

Row = dict[str, Any]

_NOTHING = "nothing new was made"
_DOUBTFUL = ("conjectural", "needs_review")
_KINDS = ("restored", "enhanced", "simulated", "stylized", "texture", "film")
_TITLES = {
    "restored": "Restored: before and after",
    "enhanced": "Enhanced: before and after",
    "simulated": "Simulated works",
    "stylized": "Rendered in a style: the work, and how it came out",
    "texture": "Textures: a work, and a tile made of it",
    "film": "Films: frames, and how they came out",
    "detected": "Damage masks proposed, the largest first",
    "models": "Models: samples on held-out works",
}
# What the counts of each flow stand for: name, one, many.
_COUNTED = {
    "ingest": (
        ("scans", "new scan", "new scans"),
        ("masks", "damage mask", "damage masks"),
        ("quarantined", "file refused", "files refused"),
        ("fetched", "picture fetched", "pictures fetched"),
        ("waiting", "file still being copied", "files still being copied"),
        ("redescribed", "scan described anew", "scans described anew"),
        ("scans_without_row", "scan without metadata", "scans without metadata"),
        ("rows_without_scan", "metadata row without a scan", "metadata rows without a scan"),
    ),
    "train": (
        ("models", "model trained", "models trained"),
        ("skipped", "model left as it was", "models left as they were"),
    ),
    "detect": (
        ("proposed", "damage mask proposed", "damage masks proposed"),
        ("needs_review", "mask too large to use unseen", "masks too large to use unseen"),
        ("nothing_found", "scan without damage found", "scans without damage found"),
        ("failed", "scan could not be looked at", "scans could not be looked at"),
    ),
    "restore": (
        ("done", "scan restored", "scans restored"),
        ("failed", "scan could not be restored", "scans could not be restored"),
        ("masks", "corrected mask taken", "corrected masks taken"),
    ),
    "enhance": (
        ("done", "scan enhanced", "scans enhanced"),
        ("failed", "scan could not be enhanced", "scans could not be enhanced"),
    ),
    "simulate": (
        ("done", "work simulated", "works simulated"),
        ("failed", "work could not be simulated", "works could not be simulated"),
    ),
    "stylize": (
        ("done", "work rendered in a style", "works rendered in a style"),
        ("failed", "work could not be rendered", "works could not be rendered"),
    ),
    "texture": (
        ("done", "texture made", "textures made"),
        ("failed", "texture could not be made", "textures could not be made"),
    ),
    "film": (
        ("done", "film rendered in a style", "films rendered in a style"),
        ("failed", "film could not be rendered", "films could not be rendered"),
    ),
    "iiif": (
        ("done", "scan cut into tiles", "scans cut into tiles"),
        ("failed", "scan could not be cut", "scans could not be cut"),
        ("manifests", "manifest written", "manifests written"),
        ("withdrawn", "scan taken down", "scans taken down"),
    ),
    "withdraw": (
        ("scans", "scan withdrawn", "scans withdrawn"),
        ("lifted", "withdrawal lifted", "withdrawals lifted"),
        ("files", "file removed", "files removed"),
        ("masks", "damage mask removed", "damage masks removed"),
        ("outputs", "output withdrawn", "outputs withdrawn"),
        ("models", "model marked", "models marked"),
    ),
    "review": (("reviews", "file reviewed", "files reviewed"),),
    "fixity": (
        ("done", "file is as it was", "files are as they were"),
        ("failed", "file changed or gone", "files changed or gone"),
        ("unreadable", "file could not be read", "files could not be read"),
    ),
    "report": (
        ("numbers", "number measured", "numbers measured"),
        ("failed", "measurement refused", "measurements refused"),
    ),
}


@contextmanager
def shown(catalog: Catalog, run: Run) -> Iterator[None]:
    """Show a run on its page in Prefect when the block ends, well or badly.

    A run that is cancelled or killed shows nothing: it is to end at once.
    """
    try:
        yield
    except Exception as error:
        _show(catalog, run, error)
        raise
    _show(catalog, run, None)


def _show(catalog: Catalog, run: Run, error: Exception | None) -> None:
    with outcome_first(f"summary of {run.run_id}"):
        ended = Ended(catalog, run, error)
        create_markdown_artifact(
            key=f"{_key(run)}-summary",
            markdown=summary(ended),
            description=" ".join(_outcome(ended)),
        )
        if ended.failures.total:
            create_table_artifact(
                key=f"{_key(run)}-failures",
                table=ended.failures.rows,
                description=ended.failures.words,
            )


def _key(run: Run) -> str:
    return re.sub(r"[^a-z0-9-]", "-", run.flow)


def summary(ended: Ended) -> str:
    """Write the summary of a run as markdown, pictures included."""
    run = ended.run
    verdict, words = _outcome(ended)
    parts = [
        f"# {run.flow}\n\n`{run.run_id}`",
        f"**{verdict}** {escape(words, 3000)}",
        _section("Needs a look", _failed(ended)),
        _section("Stages", _stages(ended.children)),
        _section("New scans", _collections(ended)),
        _section("Files refused", _reasons(ended)),
        _section("Restored files", _restored(ended)),
        _pictures(ended),
        _section("Models trained", _models(ended.models)),
        _section("What was asked", _asked(run.settings)),
        _section("Where it is", _places(ended.catalog.store, run)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {line}" for line in lines)]) if lines else ""


def _outcome(ended: Ended) -> tuple[str, str]:
    """Return how a run ended in a word, and the rest of the sentence."""
    row, error = ended.own, ended.error
    seconds = row["seconds"] if row else (now() - ended.run.started_at).total_seconds()
    time = f"after {duration(seconds)}"
    done = _done(ended)
    if error is None:
        return "Completed", f"{time}: {done}."
    message = in_brief(str(error))
    before = f" Before that: {done}." if done != _NOTHING else ""
    if isinstance(error, ArtganError):
        return "Failed", f"{time}: {message}{before}"
    return "Stopped", (
        f"{time} by an error that artgan does not know ({type(error).__name__}): {message}{before} "
        "The run's log has the details; started again with the same settings it goes on where it "
        "was."
    )


def _failed(ended: Ended) -> list[str]:
    """Say what failed, the first lines whole: the table of failures does not wrap sentences."""
    failures = ended.failures
    if not failures.total:
        return []
    # Models that were refused stand below with the others; what ended the run stands above.
    said = in_brief(str(ended.error))
    lines = [
        _failure(row)
        for row in failures.rows
        if row["reason"] != NOT_TAKEN and row[SENTENCE] != said
    ]
    more = len(lines) - FAILURES_SHOWN + failures.total - len(failures.rows)
    rest = [f"and {more:,} more in the table `{_key(ended.run)}-failures`"] if more > 0 else []
    return [f"**{', '.join(failures.amounts)}**", *lines[:FAILURES_SHOWN], *rest]


def _failure(row: Mapping[str, str]) -> str:
    """Write a failure on one line; a sentence that names its file needs no name before it."""
    sentence = escape(row[SENTENCE], 600)
    if row["item"] in row[SENTENCE]:
        return sentence
    return f"{escape(row['collection'])} {escape(row['item'])}: {sentence}".strip()


def _done(ended: Ended) -> str:
    """Say what a run and those below it made."""
    if not ended.children:
        counts = json.loads(ended.own["counts_json"]) if ended.own else ended.run.counts
        return ", ".join(counted(ended.run.flow, counts)) or _NOTHING
    parts = []
    for row in ended.children:
        counts = json.loads(row["counts_json"])
        parts += counted(row["flow"], counts | {"skipped": 0})
    return ", ".join(parts) or _NOTHING


def counted(flow: str, counts: Mapping[str, int]) -> list[str]:
    """Put the counts of a flow into words; nothing is said of what is zero."""
    if flow in _COUNTED:
        named = [(counts.get(name, 0), one, many) for name, one, many in _COUNTED[flow]]
        return [count(amount, one, many) for amount, one, many in named if amount]
    return [f"{name.replace('_', ' ')} {amount:,}" for name, amount in counts.items() if amount]


def _stages(children: Sequence[Row]) -> list[str]:
    lines = []
    for row in children:
        words = ", ".join(counted(row["flow"], json.loads(row["counts_json"]))) or "nothing new"
        if row["status"] == "failed":
            words = f"**failed**; {words}"
        lines.append(f"**{row['flow']}** ({duration(row['seconds'])}): {words}")
    return lines


def _collections(ended: Ended) -> list[str]:
    found = ended.tally(SCANS, "collection")
    return [f"{escape(name)}: {amount:,}" for name, amount in sorted(found.items())]


def _reasons(ended: Ended) -> list[str]:
    found = ended.tally(QUARANTINE, "reason")
    return [escape(tally(found).replace("_", " "))] if found else []


def _restored(ended: Ended) -> list[str]:
    """Say what restored files are worth by rule, and where those are that a person should see."""
    rows = ended.restored
    if not rows:
        return []
    found = Counter((row["assessment"] or "not assessed").replace("_", " ") for row in rows)
    doubtful = [row for row in rows if row["assessment"] in _DOUBTFUL]
    doubtful.sort(key=lambda row: (-_DOUBTFUL.index(row["assessment"]), row["output_id"]))
    scans = Snapshot(ended.catalog).scans_named(row["scan_id"] for row in doubtful[:DOUBTFUL_SHOWN])
    lines = [tally(found)]
    for row in doubtful[:DOUBTFUL_SHOWN]:
        title = escape(scan_title(scans.get(row["scan_id"])), 80)
        links = [("preview", row["preview_path"]), ("report", row["report_path"])]
        files = ", ".join(_place(ended.catalog.store, what, key) for what, key in links if key)
        lines.append(f"{title}: **{row['assessment'].replace('_', ' ')}**; {files}")
    if len(doubtful) > DOUBTFUL_SHOWN:
        lines.append(f"and {len(doubtful) - DOUBTFUL_SHOWN:,} more; all are in the table outputs")
    return lines


def _models(models: Sequence[Row]) -> list[str]:
    lines = [_model(row) for row in models[:MODELS_SHOWN]]
    if len(models) > MODELS_SHOWN:
        lines.append(f"and {len(models) - MODELS_SHOWN:,} more; all are in the table models")
    return lines


def _model(row: Row) -> str:
    metric = row["metric"] or ""
    value = f"{base_title(metric)} {number(row['value'])} {unit(metric)}".strip()
    verdict = "taken into use" if row["promoted"] else "**not taken into use**"
    return (
        f"{escape(_learned_from(row))}, {row['kind']}: {escape(value)} on "
        f"{count(row['n_val'], 'held-out work')}; {verdict}: {escape(row['reason'])}"
    )


def _learned_from(model: Row) -> str:
    return "whole archive" if model["collection"] == BASE else model["collection"]


def _asked(settings: Settings) -> list[str]:
    """Name the settings that were given and differ from the defaults, as the form names them."""
    lines = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if field.is_required() or value != field.get_default(call_default_factory=True):
            title = field.title or name.replace("_", " ").capitalize()
            lines.append(f"{title}: {escape(_plain(value))}")
    return lines


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value) or "all"
    return "none" if value is None else str(value)


def _places(store: Store, run: Run) -> list[str]:
    top = run.parent_run_id or run.run_id
    page = f"reports/runs/{top}/index.html"
    lines = [_place(store, "Report page of this run", page)]
    if not store.exists(page):
        lines[0] += " (written by the next report)"
    lines.append(_place(store, "Report of the archive", INDEX))
    if run.parent_run_id:
        lines.append(f"Part of `{run.parent_run_id}`")
    return lines


def _place(store: Store, title: str, key: str) -> str:
    address = store.uri(key)
    if not store.is_local:
        return f"{title}: `{address}`"
    return f"[{title}](file://{quote(address)}): `{address}`"


def _pictures(ended: Ended) -> str:
    """Draw what was made: one strip for each kind, all of them within one budget."""
    models = in_turn(ended.models, "kind")
    strips = {kind: ended.made(kind) for kind in _KINDS}
    strips |= {"detected": ended.detected, "models": models}
    present = [name for name, rows in strips.items() if rows]
    if not present:
        return ""
    each = PICTURES_SHOWN // len(present)
    shots = [_shots(ended.catalog, name, strips[name][:each]) for name in present]
    drawn = zip(present, draw(shots), strict=True)
    return "\n\n".join(f"## {_TITLES[name]}\n\n{strip}" for name, strip in drawn if strip)


def _shots(catalog: Catalog, name: str, rows: Sequence[Row]) -> list[Shot]:
    thumbnails = open_thumbnails(catalog.store)
    if name == "models":
        folders = [(row, row["weights_path"].rsplit("/", 1)[0]) for row in rows]
        found = [
            load_picture(
                thumbnails, f"{_learned_from(row)}, {row['kind']}", f"{folder}/samples.png"
            )
            for row, folder in folders
        ]
        return [shot for shot in found if shot]
    if name == "film":
        found = [load_picture(thumbnails, _of_film(row), row["preview_path"]) for row in rows]
        return [shot for shot in found if shot]
    scans = Snapshot(catalog).scans_named(row["scan_id"] for row in rows if row["scan_id"])
    if name == "detected":
        found = [
            load_picture(thumbnails, scan_title(scans.get(row["scan_id"])), row["overview_path"])
            for row in rows
        ]
        return [shot for shot in found if shot]
    found = []
    for row in rows:
        scan = scans.get(row["scan_id"])
        sources = (
            [output_source(row)]
            if name == "simulated"
            else [
                scan_source(scan),
                output_source(row),
            ]
        )
        found.append(load_shot(thumbnails, _caption(row, scan), sources))
    return [shot for shot in found if shot]


def _near(row: Row) -> str:
    """Say how near a rendering came to its style, beside colour transfer alone."""
    if row.get("gram_distance") is None:
        return ""
    own, color = number(row["gram_distance"]), number(row["color_gram_distance"])
    if row["method"] == "color":
        return f", {own} from the style"
    return f", {own} from the style; colour alone {color}"


def _of_film(row: Row) -> str:
    """Say of a film what it is, and how steady beside its source."""
    words = f"{row['collection']} ({row['method']}), {duration(row['seconds_long'])}"
    own, source = row["warping_error"], row["source_warping_error"]
    if not own or not source:
        return words
    return f"{words}; changes beyond its motion {own / source:.2f} times as much as the source"


def _caption(row: Row, scan: Row | None) -> str:
    if row["kind"] == "simulated" and scan is None:
        what = "" if row["method"] in {None, "generator"} else f"{row['method']}, "
        return f"{row['collection']}, {what}seed {row['seed']}"
    if row["kind"] == "texture":
        return f"{scan_title(scan)}, seed {row['seed']}"
    if row["kind"] == "stylized":
        return f"{row['collection']} ({row['method']}{_near(row)}): {scan_title(scan)}"
    if row["kind"] == "enhanced":
        return f"{row['method']}: {scan_title(scan)}"
    return scan_title(scan)
