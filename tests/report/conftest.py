"""A small archive with everything a report can show, and things that go wrong in archives."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from artgan.catalog.schema import MASKS, METRICS, MODELS, OUTPUTS, QUARANTINE, RUNS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.imaging.write import png_bytes, thumbnail_jpeg
from artgan.report.figures import FigureImage, FigureItem, FigureSet, figure_key
from artgan.report.site import build_site

RUN = "nightly-00002-0123456789abcdef0123"
EARLIER = "nightly-00001-fedcba98765432100123"
HOSTILE = (
    "<script>alert(\"x\")</script> & \u202edrawkcab \U0001f5bc\nnew line 'quoted' " + "long " * 800
)
_START = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)

Picture = Callable[[int], np.ndarray]


def model_named(kind: str, collection: str) -> str:
    """Return the model_id that a model of a collection gets here."""
    return hashlib.sha256(f"{kind} {collection}".encode()).hexdigest()[:20]


def invented_picture(number: int) -> np.ndarray:
    """Return a picture (H, W, 3) with a few soft blots; every number gives another."""
    random = np.random.default_rng(number)
    height, width = (120, 90) if number % 3 else (80, 128)
    rows, columns = np.mgrid[0:height, 0:width].astype(float)
    canvas = np.ones((height, width, 3)) * random.uniform(120, 230, 3)
    for _ in range(6):
        y, x, size = random.uniform(0, height), random.uniform(0, width), random.uniform(8, 30)
        blot = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * size**2))
        canvas += blot[..., None] * random.uniform(-140, 90, 3)
    return np.clip(canvas, 0, 255).astype(np.uint8)


@dataclass
class Archive:
    """Fills a catalog through its own door, `Catalog.append`."""

    catalog: Catalog
    picture: Picture = invented_picture
    minute: int = 0
    scans: dict[str, list[dict]] = field(default_factory=dict)

    def tick(self) -> datetime:
        """Return the next moment; every row has its own."""
        self.minute += 1
        return _START + timedelta(seconds=self.minute)

    def write_picture(self, key: str, picture: np.ndarray) -> str:
        content = png_bytes(picture)
        self.catalog.store.write(key, content)
        return hashlib.sha256(content).hexdigest()

    def add_scans(self, collection: str, count: int, *, hostile: bool = False) -> None:
        rows = []
        for number in range(count):
            picture = self.picture(number + 100 * len(self.scans))
            content = thumbnail_jpeg(picture, 2000, 92)
            scan_id = hashlib.sha256(f"{collection} {number}".encode() + content).hexdigest()
            path = f"access/{collection}/{scan_id}.jpg"
            self.catalog.store.write(path, content)
            rows.append(
                {
                    "scan_id": scan_id,
                    "collection": collection,
                    "source_path": f"{collection}/plate {number:03d}.tif",
                    "source_uri": f"inbox/{collection}/plate {number:03d}.tif",
                    "source_bytes": len(content),
                    "format": "tiff" if number % 4 else "jpeg",
                    "width_px": picture.shape[1],
                    "height_px": picture.shape[0],
                    "bit_depth": 16 if number % 5 == 0 else 8,
                    "icc_name": "eciRGB v2" if number % 3 == 0 else None,
                    "title": HOSTILE if hostile else f"Plate {number}, view of the river",
                    "artist": HOSTILE if hostile else "Unknown hand",
                    "date_text": "c. 1888" if number % 2 else None,
                    "year_from": 1886 if number % 2 else None,
                    "year_to": 1890 if number % 2 else None,
                    "rights": "Public domain",
                    "accession_number": f"1889.{number}",
                    "height_mm": 410.0,
                    "width_mm": 320.0,
                    "nonconformities": ["no_profile"] if number % 3 else [],
                    "metadata_json": json.dumps(
                        {"Credit Line": "Gift of the heirs", "Scanner": "Flatbed A3"}
                    ),
                    "duplicate_group": f"group-{max(number, 1)}-{collection}",
                    "split": ("train", "train", "val", "test")[number % 4],
                    "access_path": path,
                    "ingested_at": self.tick(),
                    "run_id": f"ingest-{RUN}",
                }
            )
        self.catalog.append(SCANS, rows)
        self.scans[collection] = sorted(rows, key=lambda row: row["scan_id"])

    def refuse(self, collection: str, count: int, message: str) -> None:
        rows = [
            {
                "quarantine_id": f"{collection}-{number:04d}",
                "collection": collection,
                "source_path": f"{collection}/broken {number:04d}.tif",
                "source_uri": "inbox",
                "source_bytes": 12,
                "reason": "truncated" if number % 2 else "not_an_image",
                "message": message,
                "quarantined_at": self.tick(),
                "run_id": f"ingest-{RUN}",
            }
            for number in range(count)
        ]
        self.catalog.append(QUARANTINE, rows)

    def add_model(self, kind: str, collection: str, metric: str, values: Sequence[float]) -> str:
        model_id = model_named(kind, collection)
        stem = metric.removesuffix("_x1000")
        history = [
            {
                "step": 100 * number,
                metric: value,
                f"{stem}_low": value - 0.8,
                f"{stem}_high": value + 0.8,
            }
            for number, value in enumerate(values)
        ]
        row = {
            "model_id": model_id,
            "kind": kind,
            "collection": collection,
            "preset": "tiny",
            "n_train": 14,
            "n_val": 5,
            "steps": 100 * (len(values) - 1),
            "seconds": 83.4,
            "metric": metric,
            "value": values[-1],
            "incumbent_value": values[0],
            "promoted": True,
            "reason": f"better than what is in use on held-out works: {values[-1]:.3f}",
            "history_json": json.dumps(history),
            "settings_json": json.dumps({"seed": 0, "preset": {"crop_px": 64, "widths": [16, 32]}}),
            "weights_path": f"models/{collection}/{kind}/{model_id}/weights.safetensors",
            "weights_sha256": hashlib.sha256(model_id.encode()).hexdigest(),
            "training_sha256": hashlib.sha256(collection.encode()).hexdigest(),
            "catalog_version": 3,
            "code_version": "0.2.0",
            "device": "cpu",
            "created_at": self.tick(),
            "run_id": f"train-{RUN}",
        }
        self.catalog.append(MODELS, [row])
        panel = np.concatenate([self.picture(3 * number)[:64, :64] for number in range(1, 7)], 1)
        self.write_picture(f"models/{collection}/{kind}/{model_id}/samples.png", panel)
        return model_id

    def add_metric(self, collection: str, product: str, metric: str, value: float, **more) -> None:
        made_at = self.tick()
        row = {
            "metric_id": hashlib.sha256(f"{collection}{product}{made_at}".encode()).hexdigest(),
            "collection": collection,
            "product": product,
            "metric": metric,
            "value": value,
            "ci_low": value - 0.5,
            "ci_high": value + 0.5,
            "n_reference": 40,
            "n_measured": 256,
            "reference_split": "test",
            "status": "ok",
            "is_fid": False,
            "created_at": made_at,
            "run_id": f"report-{RUN}",
        }
        self.catalog.append(METRICS, [row | more])

    def add_restored(self, collection: str, model_id: str, count: int) -> None:
        for number, scan in enumerate(self.scans[collection][:count]):
            height, width = scan["height_px"], scan["width_px"]
            mask = np.zeros((height, width, 1), np.uint8)
            mask[height // 4 : height // 4 + 6 + 4 * number, width // 5 : -width // 5] = 255
            mask_key = f"masks/{collection}/{number}.png"
            mask_sha256 = self.write_picture(mask_key, mask)
            after = self.picture(number + 500)
            after = np.ascontiguousarray(np.resize(after, (height, width, 3)))
            path = f"outputs/restored/{collection}/{number}.png"
            self.write_picture(f"outputs/restored/{collection}/{number}.mask.png", mask)
            failed = number == count - 1
            self.catalog.append(
                MASKS,
                [
                    {
                        "mask_id": f"mask-{collection}-{number}",
                        "scan_id": scan["scan_id"],
                        "collection": collection,
                        "source_path": f"{collection}/{number}_mask.png",
                        "source_uri": "inbox",
                        "source_bytes": 1,
                        "content_sha256": mask_sha256,
                        "mask_path": mask_key,
                    }
                ],
            )
            made = {
                "output_path": path,
                "output_sha256": self.write_picture(path, after),
                "width_px": width,
                "height_px": height,
                "changed_pixels": int(mask.sum() // 255) - 3,
                "masked_pixels": int(mask.sum() // 255),
                "changed_outside_mask": 0,
            }
            row = {
                "output_id": f"restored-{collection}-{number}",
                "kind": "restored",
                "collection": collection,
                "scan_id": scan["scan_id"],
                "mask_id": f"mask-{collection}-{number}",
                "model_id": model_id,
                "method": "filler",
                "status": "failed" if failed else "ok",
                "message": "scan must have its sha256, got another. Ingest it." if failed else None,
                "created_at": self.tick(),
                "run_id": f"restore-{RUN}",
            }
            self.catalog.append(OUTPUTS, [row if failed else row | made])

    def add_simulated(self, collection: str, model_id: str, count: int, size_px: int = 32) -> None:
        rows = []
        for seed in range(count):
            path = f"outputs/simulated/{collection}/{seed}.png"
            picture = np.ascontiguousarray(self.picture(seed + 900)[:size_px, :size_px])
            rows.append(
                {
                    "output_id": f"simulated-{collection}-{seed}",
                    "kind": "simulated",
                    "collection": collection,
                    "model_id": model_id,
                    "method": "generator",
                    "seed": seed,
                    "status": "ok",
                    "output_path": path,
                    "output_sha256": self.write_picture(path, picture),
                    "width_px": size_px,
                    "height_px": size_px,
                    "created_at": self.tick(),
                    "run_id": f"simulate-{RUN}",
                }
            )
        self.catalog.append(OUTPUTS, rows)

    def add_stylized(self, collection: str, content: str, model_id: str, count: int) -> None:
        rows = []
        for number, scan in enumerate(self.scans[content][:count]):
            for method in ("color", "cut"):
                path = f"outputs/stylized/{collection}/{number}-{method}.png"
                picture = self.picture(number + (700 if method == "cut" else 800))
                rows.append(
                    {
                        "output_id": f"stylized-{collection}-{number}-{method}",
                        "kind": "stylized",
                        "collection": collection,
                        "scan_id": scan["scan_id"],
                        "model_id": model_id if method == "cut" else None,
                        "method": method,
                        "settings_json": json.dumps({"method": method}),
                        "status": "ok",
                        "output_path": path,
                        "output_sha256": self.write_picture(path, picture),
                        "width_px": picture.shape[1],
                        "height_px": picture.shape[0],
                        "created_at": self.tick(),
                        "run_id": f"stylize-{RUN}",
                    }
                )
        self.catalog.append(OUTPUTS, rows)

    def add_figure(self, collection: str, product: str, layout: str, labels: list[str]) -> None:
        items = []
        for number in range(4):
            images = []
            for label in labels:
                key = f"reports/figures/{collection}/{product}/{layout}/{number}-{label}.png"
                picture = np.ascontiguousarray(self.picture(number + 40)[:64, :64])
                self.write_picture(key, picture)
                images.append(FigureImage(label, key, 64, 64, f"{label}, item {number}"))
            items.append(FigureItem(f"Plate {number}", "hole PSNR 24.1 dB", tuple(images)))
        figure = FigureSet(
            product,  # type: ignore[arg-type]
            collection,
            "",
            f"Figure as {layout}",
            "chosen by seed 0, not by hand; test split",
            layout,  # type: ignore[arg-type]
            tuple(items),
        )
        self.catalog.store.write(figure_key(collection, figure.product, layout), figure.to_json())

    def add_run(self, run_id: str, flow: str, parent: str | None = None, **more) -> None:
        row = {
            "run_id": run_id,
            "flow": flow,
            "number": 1,
            "parent_run_id": parent,
            "status": "completed",
            "message": "8 done, 2 skipped.",
            "settings_json": json.dumps({"root": "archive", "min_works": 20, "collections": []}),
            "counts_json": json.dumps({"done": 8, "skipped": 2, "scans": 8}),
            "n_done": 8,
            "n_skipped": 2,
            "n_failed": 0,
            "n_quarantined": 0,
            "seconds": 192.0,
            "versions_json": json.dumps({"artgan": "0.1.0", "python": "3.12.1"}),
            "started_at": self.tick(),
            "ended_at": self.tick(),
        }
        self.catalog.append(RUNS, [row | more])


def fill(archive: Archive) -> None:
    """Fill an archive: a full collection, a small one, and one with hostile text."""
    archive.add_scans("river", 24)
    archive.add_scans("small", 8)
    archive.add_scans("odd & <b>name", 5, hostile=True)
    archive.refuse("river", 3, "scan must be whole, got a file that ends early. Copy it again.")
    archive.refuse("odd & <b>name", 1, HOSTILE)
    archive.add_model("restoration", "archive", "hole_psnr_db", [18.0, 21.0])
    filler = archive.add_model("restoration", "river", "hole_psnr_db", [20.0, 22.5, 23.6, 24.1])
    generator = archive.add_model("simulation", "river", "kid_x1000", [40.0, 22.0, 9.5, 6.2, 6.8])
    style = archive.add_model("style", "river", "style_kid_x1000", [30.0, 25.0, 21.0])
    _measure(archive)
    archive.add_restored("river", filler, 5)
    archive.add_simulated("river", generator, 30)
    archive.add_stylized("river", "small", style, 7)
    archive.add_stylized("small", "river", "", 2)
    archive.add_figure(
        "river", "restoration", "strips", ["truth", "damaged", "mask", "Telea", "filler"]
    )
    archive.add_figure("river", "simulation", "pairs", ["generated", "nearest"])
    archive.add_run(EARLIER, "nightly")
    for flow in ("ingest", "train", "restore", "simulate", "stylize", "report"):
        archive.add_run(f"{flow}-{RUN}", flow, RUN)
    archive.add_run(RUN, "nightly")


def _measure(archive: Archive) -> None:
    filler = {"unit": "dB", "n_measured": 6, "model_id": model_named("restoration", "river")}
    for subject, value in {
        "filler": 24.1,
        "navier_stokes": 22.9,
        "telea": 22.4,
        "prefill": 21.0,
        "do_nothing": 9.3,
    }.items():
        archive.add_metric("river", "restoration", "psnr_hole_db", value, subject=subject, **filler)
    network = {"extractor": "FD-VGG19c34", "preprocessing": "bicubic-antialias-64"}
    archive.add_metric(
        "river", "simulation", "kid_x1000", 9.0, subject="generator", run_id="report-0", **network
    )
    for metric, value in {
        "kid_x1000": 6.8,
        "fd": 14.2,
        "fd_floor": 9.1,
        "fd_excess": 5.1,
        "copy_ratio": 0.97,
        "diversity_ratio": 0.84,
    }.items():
        archive.add_metric("river", "simulation", metric, value, subject="generator", **network)
    for subject, value in {"unchanged": 2.41, "color": 1.72, "cut": 1.31}.items():
        archive.add_metric(
            "river", "stylization", "style_distance", value, subject=subject, **network
        )
        archive.add_metric(
            "river",
            "stylization",
            "content_distance",
            0.1 * value,
            subject=subject,
            **network,
        )


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A filled archive that no test may change."""
    made = Archive(open_catalog(str(tmp_path_factory.mktemp("filled") / "archive")))
    fill(made)
    return made


def copied(filled: Archive, root: Path) -> Archive:
    """Return a copy of an archive."""
    shutil.copytree(filled.catalog.store.root, root)
    scans = {name: list(rows) for name, rows in filled.scans.items()}
    return Archive(open_catalog(str(root)), filled.picture, filled.minute, scans)


@pytest.fixture(scope="session")
def built(filled: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A filled archive with its pages, which no test may change."""
    made = copied(filled, tmp_path_factory.mktemp("built") / "archive")
    build_site(made.catalog, RUN)
    return made


@pytest.fixture(scope="session")
def copied_to(filled: Archive) -> Callable[[Path], Archive]:
    """Make a copy of the filled archive, for tests that share one."""
    return lambda root: copied(filled, root)


@pytest.fixture
def archive(filled: Archive, tmp_path: Path) -> Archive:
    """A filled archive of the test's own."""
    return copied(filled, tmp_path / "archive")


@pytest.fixture
def reported(built: Archive, tmp_path: Path) -> Archive:
    """A filled archive of the test's own, with its pages."""
    return copied(built, tmp_path / "archive")


@pytest.fixture(scope="session")
def new_archive(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Archive]:
    """Make an archive without a row, for tests that share one."""
    return lambda: Archive(open_catalog(str(tmp_path_factory.mktemp("new") / "archive")))


@pytest.fixture
def empty(tmp_path: Path) -> Archive:
    """An archive without a row."""
    return Archive(open_catalog(str(tmp_path / "archive")))
