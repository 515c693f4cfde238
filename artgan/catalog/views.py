"""Ready views: the questions that analysts of an archive ask every day, as tables.

A view is SQL over the catalog's tables. Its columns are written here once: from them come both the
select list and what each column means, which a column of a table brings with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from artgan.catalog.schema import (
    EVENTS,
    METRICS,
    MODELS,
    OUTPUTS,
    RUNS,
    SCANS,
    TIMESTAMP,
    Table,
)


@dataclass(frozen=True)
class View:
    """One ready view.

    Attributes:
        name: Name in queries.
        key: Column that identifies a row, if one does.
        description: What one row stands for.
        schema: Columns in order, described as those of tables are.
        sql: Its select statement, in DuckDB's SQL; it may name tables and earlier views.
    """

    name: str
    key: str | None
    description: str
    schema: pa.Schema
    sql: str


Made = tuple[str, pa.Field]
"""A column that no table has: the expression it comes from, and what it is."""


def _made(expression: str, name: str, kind: pa.DataType, text: str, unit: str = "") -> Made:
    facts = {"description": text} | ({"unit": unit} if unit else {})
    return expression, pa.field(name, kind, metadata=facts)


def _view(
    name: str,
    key: str | None,
    description: str,
    columns: Sequence[str | Made],
    rest: str,
    *,
    tables: Mapping[str, Table] | None = None,
) -> View:
    """Make a view of columns, each ``alias.column``, ``alias.column as name`` or made here."""
    fields, selected = [], []
    for column in columns:
        if isinstance(column, str):
            source, _, renamed = column.partition(" as ")
            alias, _, own = source.partition(".")
            field = (tables or {})[alias].schema.field(own)
            fields.append(field.with_name(renamed or own).with_nullable(nullable=True))
            selected.append(column)
        else:
            expression, field = column
            fields.append(field)
            is_named = expression.endswith(f".{field.name}")
            selected.append(expression if is_named else f"{expression} as {field.name}")
    listed = ",\n".join(f"    {one}" for one in selected)
    return View(name, key, description, pa.schema(fields), f"select\n{listed}\n{rest}")


def _all(alias: str, table: Table, *but: str) -> list[str]:
    return [f"{alias}.{name}" for name in table.schema.names if name not in but]


CURRENT_SCANS = _view(
    "current_scans",
    "scan_id",
    "One scan whose place no re-scan took.",
    _all("s", SCANS, "is_current"),
    "from scans s\nwhere s.is_current is not false",
    tables={"s": SCANS},
)

WORKS = _view(
    "works",
    "scan_id",
    "One work of a collection, by the largest of its current scans.",
    [
        *("s.collection", "s.duplicate_group", "s.scan_id", "s.accession_number", "s.title"),
        *("s.artist", "s.date_text", "s.year_from", "s.year_to", "s.medium", "s.rights"),
        *("s.height_mm", "s.width_mm", "s.width_px", "s.height_px", "s.split", "s.source_uri"),
        "s.access_path",
        _made(
            "count(*) over (partition by s.collection, s.duplicate_group)",
            *("n_scans", pa.int64(), "Current scans of it in the collection."),
        ),
    ],
    "from scans s\nwhere s.is_current is not false\n"
    "qualify row_number() over (\n"
    "    partition by s.collection, s.duplicate_group\n"
    "    order by s.width_px::bigint * s.height_px desc, s.scan_id) = 1",
    tables={"s": SCANS},
)

MODELS_IN_USE = _view(
    "models_in_use",
    "model_id",
    "One model in use: the newest of its kind and collection that was promoted.",
    [
        *("m.kind", "m.collection", "m.model_id", "m.base_model_id", "m.preset", "m.n_train"),
        *("m.n_val", "m.metric", "m.value", "m.incumbent_value", "m.withdrawn_works"),
        *("m.catalog_version", "m.training_sha256", "m.weights_path", "m.weights_sha256"),
        *("m.code_version", "m.created_at", "m.run_id"),
    ],
    "from models m\nwhere m.promoted\n"
    "qualify row_number() over (\n"
    "    partition by m.kind, m.collection order by m.created_at desc, m.model_id) = 1",
    tables={"m": MODELS},
)

OUTPUTS_WITH_SOURCE = _view(
    "outputs_with_source",
    "output_id",
    "One file that was made and is there, with the scan, model and run it comes from.",
    [
        *("o.output_id", "o.kind", "o.collection", "o.output_path", "o.output_sha256"),
        *("o.output_bytes", "o.width_px", "o.height_px", "o.method", "o.seed", "o.settings_json"),
        *("o.changed_pixels", "o.masked_pixels", "o.changed_outside_mask", "o.assessment"),
        *("o.patch_path", "o.preview_path", "o.report_path"),
        *("o.digital_source_type", "o.created_at", "o.scan_id", "o.source_output_id"),
        *("s.collection as scan_collection", "s.source_uri", "s.accession_number", "s.title"),
        *("s.artist", "s.rights", "o.mask_id", "o.model_id", "m.base_model_id"),
        *("m.preset as model_preset", "m.catalog_version", "m.training_sha256"),
        *("m.weights_sha256", "m.code_version as model_code_version"),
        *("o.run_id", "r.flow", "r.ended_at as run_ended_at"),
    ],
    "from outputs o\n"
    "left join scans s on s.scan_id = o.scan_id\n"
    "left join models m on m.model_id = o.model_id\n"
    "left join runs r on r.run_id = o.run_id\n"
    "where o.status = 'ok'",
    tables={"o": OUTPUTS, "s": SCANS, "m": MODELS, "r": RUNS},
)

LATEST_METRICS = _view(
    "latest_metrics",
    "metric_id",
    "One number of a whole sample: the newest of its measure, subject, product and collection.",
    _all("t", METRICS, "stratum"),
    "from metrics t\n"
    "where t.stratum is null\n"
    "qualify row_number() over (\n"
    "    partition by t.collection, t.product, t.subject, t.metric\n"
    "    order by t.created_at desc, t.metric_id) = 1",
    tables={"t": METRICS},
)

LATEST_STRATA = _view(
    "latest_strata",
    "metric_id",
    "One number of a part of a sample: the newest of its stratum, measure, subject and collection.",
    _all("t", METRICS),
    "from metrics t\n"
    "where t.stratum is not null\n"
    "qualify row_number() over (\n"
    "    partition by t.collection, t.product, t.subject, t.metric, t.stratum\n"
    "    order by t.created_at desc, t.metric_id) = 1",
    tables={"t": METRICS},
)

METRIC_HISTORY = _view(
    "metric_history",
    "metric_id",
    "One number of a whole sample beside the one before it, measured in the same way.",
    [
        *("t.collection", "t.product", "t.subject", "t.metric", "t.created_at", "t.value"),
        *("t.ci_low", "t.ci_high", "t.unit"),
        _made(
            "lag(t.value) over w",
            *("previous_value", pa.float64(), "The same measure the time before."),
        ),
        _made(
            "t.value - lag(t.value) over w",
            *("value_change", pa.float64(), "Value less the one before it."),
        ),
        _made(
            "t.ci_low > lag(t.ci_high) over w or t.ci_high < lag(t.ci_low) over w",
            *("is_clear_change", pa.bool_(), "Whether the two 95 % intervals lie apart."),
        ),
        *("t.n_reference", "t.n_measured", "t.extractor", "t.preprocessing"),
        *("t.reference_split", "t.status", "t.model_id", "t.run_id", "t.metric_id"),
    ],
    "from metrics t\n"
    "where t.stratum is null\n"
    "window w as (\n"
    "    partition by t.collection, t.product, t.subject, t.metric, t.extractor,\n"
    "        t.extractor_sha256, t.preprocessing, t.reference_split\n"
    "    order by t.created_at, t.metric_id)",
    tables={"t": METRICS},
)

FILE_CHECKS = _view(
    "file_checks",
    "object_path",
    "One file that was ever checked, with its last check.",
    [
        *("e.object_path", "e.object_kind", "e.scan_id", "e.output_id", "e.model_id"),
        *("e.event_at as checked_at", "e.outcome", "e.outcome_detail", "e.digest_expected"),
        "e.digest_found",
        _made(
            "max(e.event_at) filter (where e.outcome = 'success')\n"
            "        over (partition by e.object_path)",
            *("last_intact_at", TIMESTAMP, "When it was last found as it should be."),
        ),
        _made(
            "count(*) over (partition by e.object_path)",
            *("n_checks", pa.int64(), "How often it was checked."),
        ),
        "e.run_id",
    ],
    "from events e\nwhere e.event_type = 'fixity check'\n"
    "qualify row_number() over (\n"
    "    partition by e.object_path order by e.event_at desc, e.event_id) = 1",
    tables={"e": EVENTS},
)

FAILURES = _view(
    "failures",
    None,
    "One thing that somebody must look at; duplicates and withdrawn files are none.",
    [
        _made("f.kind", "kind", pa.string(), "file refused, output, file check or run."),
        _made("f.collection", "collection", pa.string(), "Collection, where it has one."),
        _made("f.subject", "subject", pa.string(), "Path, or id of an output or a run."),
        _made("f.code", "code", pa.string(), "Reason code, kind of output, outcome or flow."),
        _made("f.message", "message", pa.string(), "What happened, in a sentence."),
        _made("f.happened_at", "happened_at", TIMESTAMP, "When."),
        _made("f.run_id", "run_id", pa.string(), "Flow run that it happened in."),
    ],
    "from (\n"
    "    select 'file refused' as kind, collection, source_path as subject, reason as code,\n"
    "        message, quarantined_at as happened_at, run_id\n"
    "    from quarantine where reason not in ('exact_duplicate', 'withdrawn')\n"
    "    union all\n"
    "    select 'output', collection, output_id, kind, message, created_at, run_id\n"
    "    from outputs where status = 'failed'\n"
    "    union all\n"
    "    select 'file check', null, object_path, outcome, outcome_detail, checked_at, run_id\n"
    "    from file_checks where outcome <> 'success'\n"
    "    union all\n"
    "    select 'run', null, run_id, flow, message, ended_at, run_id\n"
    "    from runs where status = 'failed'\n"
    ") f",
)

COLLECTIONS = _view(
    "collections",
    "collection",
    "One collection, with how much there is of it.",
    [
        _made("c.collection", "collection", pa.string(), "Folder of the inbox it came in."),
        _made("coalesce(s.works, 0)", "n_works", pa.int64(), "Works it shows."),
        _made("coalesce(s.scans, 0)", "n_scans", pa.int64(), "Scans, superseded ones included."),
        _made("coalesce(s.current, 0)", "n_current_scans", pa.int64(), "Scans in use."),
        _made("coalesce(s.described, 0)", "n_described", pa.int64(), "Scans with metadata."),
        _made("coalesce(s.bytes, 0)", "source_bytes", pa.int64(), "Size of all scans.", "bytes"),
        _made("coalesce(k.masks, 0)", "n_masks", pa.int64(), "Damage masks delivered."),
        _made("coalesce(q.files, 0)", "n_quarantined", pa.int64(), "Files and pages refused."),
        _made("coalesce(o.files, 0)", "n_outputs", pa.int64(), "Files made and there."),
        _made("s.last_ingested_at", "last_ingested_at", TIMESTAMP, "When a scan last came in."),
    ],
    "from (select collection from scans union select collection from quarantine) c\n"
    "left join (\n"
    "    select collection, count(*) as scans, sum(source_bytes)::bigint as bytes,\n"
    "        count(*) filter (where is_current is not false) as current,\n"
    "        count(*) filter (where metadata_json is not null) as described,\n"
    "        count(distinct duplicate_group) filter (where is_current is not false) as works,\n"
    "        max(ingested_at) as last_ingested_at\n"
    "    from scans group by collection) s using (collection)\n"
    "left join (select collection, count(*) as masks from masks group by collection) k\n"
    "    using (collection)\n"
    "left join (select collection, count(*) as files from quarantine group by collection) q\n"
    "    using (collection)\n"
    "left join (\n"
    "    select collection, count(*) as files from outputs where status = 'ok'\n"
    "    group by collection) o using (collection)",
)

VIEWS: tuple[View, ...] = (
    COLLECTIONS,
    CURRENT_SCANS,
    WORKS,
    MODELS_IN_USE,
    OUTPUTS_WITH_SOURCE,
    LATEST_METRICS,
    LATEST_STRATA,
    METRIC_HISTORY,
    FILE_CHECKS,
    FAILURES,
)
