"""Queries worth starting from: a question, and the SQL that ``artgan query`` answers it with."""

Example = tuple[str, str]

SCANS: tuple[Example, ...] = (
    (
        "How many scans has each collection, and how much room do they take?",
        "select collection, count(*) as scans, round(sum(source_bytes) / 1e9, 2) as gigabytes\n"
        "from scans group by collection order by collection",
    ),
    (
        "Which works have been scanned more than once?",
        "select duplicate_group, list(source_path order by source_path) as files\n"
        "from scans group by duplicate_group having count(*) > 1 order by duplicate_group",
    ),
    (
        "Which masters are below 300 pixels per inch, or have no colour profile?",
        "select collection, source_path, dpi, icc_name\n"
        "from scans where dpi < 300 or icc_name is null order by collection, source_path",
    ),
    (
        "Which scans break a rule of Metamorfoze, and which?",
        "select collection, source_path,\n"
        "    list_filter(nonconformities, lambda rule: rule like 'metamorfoze%') as broken\n"
        "from scans where len(broken) > 0 order by collection, source_path",
    ),
    (
        "Which scans are clipped most, or least sharp in their collection?",
        "select collection, source_path, clipped_shadows_fraction, clipped_highlights_fraction,\n"
        "    sharpness, rank() over (partition by collection order by sharpness) as softness\n"
        "from scans order by greatest(clipped_shadows_fraction, clipped_highlights_fraction) desc",
    ),
)

QUARANTINE: tuple[Example, ...] = (
    (
        "What was refused, and why?",
        "select collection, reason, count(*) as files, any_value(message) as example\n"
        "from quarantine group by collection, reason order by files desc, collection, reason",
    ),
)

MASKS: tuple[Example, ...] = (
    (
        "Which works are damaged most?",
        "select s.collection, s.title, round(100 * m.damaged_fraction, 1) as percent_damaged\n"
        "from masks m join scans s using (scan_id) order by m.damaged_fraction desc limit 20",
    ),
    (
        "Which detected masks should a person look at first?",
        "select s.collection, s.title, m.status, round(100 * m.damaged_fraction, 1) as percent,\n"
        "    m.overview_path, m.mask_path from masks m join scans s using (scan_id)\n"
        "where m.origin = 'detected' and m.status in ('needs_review', 'proposed')\n"
        "order by m.status, m.damaged_fraction desc limit 20",
    ),
)

MODELS: tuple[Example, ...] = (
    (
        "Which model of each kind is in use for each collection?",
        "select kind, collection, model_id, metric, value, created_at\n"
        "from models where promoted\n"
        "qualify row_number() over (partition by kind, collection order by created_at desc) = 1\n"
        "order by kind, collection",
    ),
)

OUTPUTS: tuple[Example, ...] = (
    (
        "What was made from each collection, and what failed?",
        "select kind, collection, status, count(*) as files, round(sum(seconds)) as seconds\n"
        "from outputs group by kind, collection, status order by kind, collection, status",
    ),
    (
        "From which scan, model and run does a file come?",
        "select o.output_path, s.source_uri, o.model_id, r.flow, r.ended_at\n"
        "from outputs o left join scans s using (scan_id) left join runs r on r.run_id = o.run_id\n"
        "where o.status = 'ok' order by o.output_path limit 20",
    ),
    (
        "Which restorations should a person look at first?",
        "select assessment, collection, 100.0 * masked_pixels / (width_px::bigint * height_px)\n"
        "    as filled_pct, preview_path, report_path\n"
        "from outputs where kind = 'restored' and status = 'ok' and assessment <> 'ok'\n"
        "order by assessment desc, filled_pct desc limit 20",
    ),
)

METRICS: tuple[Example, ...] = (
    (
        "How good is each product now, with its interval?",
        "select collection, product, subject, metric, value, ci_low, ci_high, n_measured\n"
        "from metrics where status = 'ok' and stratum is null\n"
        "qualify row_number() over (\n"
        "    partition by collection, product, subject, metric order by created_at desc) = 1\n"
        "order by collection, product, metric, subject",
    ),
)

RUNS: tuple[Example, ...] = (
    (
        "How did the last nights go?",
        "select started_at, status, round(seconds / 60, 1) as minutes, n_done, n_failed, message\n"
        "from runs where flow = 'nightly' order by started_at desc limit 14",
    ),
)

EVENTS: tuple[Example, ...] = (
    (
        "Which files failed a check, and when was each scan last found intact?",
        "select object_path, max(event_at) filter (outcome = 'success') as last_intact,\n"
        "    count(*) filter (outcome = 'fail') as failures\n"
        "from events where event_type = 'fixity check'\n"
        "group by object_path order by failures desc, last_intact limit 20",
    ),
)

WITHDRAWALS: tuple[Example, ...] = (
    (
        "What was withdrawn, at whose request, and what went with it?",
        "select withdrawn_at, collection, source_path, reason, requested_by, removed_files\n"
        "from withdrawals order by withdrawn_at desc",
    ),
)

REVIEWS: tuple[Example, ...] = (
    (
        "Which restorations has nobody looked at yet, or has somebody rejected?",
        "select o.collection, o.output_id, o.output_path, r.decision, r.reviewer, r.notes\n"
        "from outputs o left join reviews r using (output_id)\n"
        "where o.kind = 'restored' and o.status = 'ok'\n"
        "qualify row_number() over (partition by o.output_id order by r.reviewed_at desc) = 1\n"
        "    and coalesce(r.decision, '') not like 'accepted%'\n"
        "order by r.decision nulls last, o.collection, o.output_id",
    ),
)

UNMATCHED: tuple[Example, ...] = (
    (
        "Which rows of the delivered metadata have no scan?",
        "select collection, metadata_source, named, title\n"
        "from unmatched_metadata where reason = 'no_scan' order by collection, named",
    ),
)
