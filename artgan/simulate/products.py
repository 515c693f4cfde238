"""What a curator gets of a generator, as files that say what they are."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from artgan.imaging.moving import enlarged, webp_film
from artgan.imaging.write import png_bytes
from artgan.models.simulators import Simulator
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.simulate.axes import COLUMNS, axes
from artgan.simulate.journey import journey
from artgan.simulate.projection import project
from artgan.simulate.works import grid, simulate

FRAMES_PER_S = 20
FILM_WORKS = 8
_LEAST_FILM_PX = 256
_LEAST_CELL_PX = 96
_LEAST_PAIR_PX = 256
_MADE = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA
_BESIDE = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA


@dataclass(frozen=True)
class Product:
    """One file.

    Attributes:
        content: Its bytes, labelled inside.
        suffix: File name extension with its dot.
        width_px: Width.
        height_px: Height.
        source_type: IPTC term that stands inside.
        report: What was measured on the way, if anything; JSON can hold it.
    """

    content: bytes
    suffix: str
    width_px: int
    height_px: int
    source_type: DigitalSourceType
    report: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Maker:
    """Makes files of one generator for one collection.

    Attributes:
        simulator: The generator and its settings.
        model_id: Named in the files.
        collection: Named in the files, and asked for where the generator has classes.
        settings_sha256: Hash of what was asked for, named in the files.
    """

    simulator: Simulator
    model_id: str
    collection: str
    settings_sha256: str | None = None

    def work(self, seed: int, truncation: float) -> Product:
        """Make one work, at the generator's own size."""
        generator, label = self.simulator.generator, self._label
        picture = simulate(generator, [seed], truncation, label)[0]
        return self._png(picture, f"Simulated work, seed {seed}")

    def film(self, seed: int, truncation: float, seconds: float) -> Product:
        """Make a loop through eight works from a seed on; small ones are shown enlarged."""
        seeds = range(seed, seed + FILM_WORKS)
        frames = max(FILM_WORKS, round(seconds * FRAMES_PER_S))
        generator = self.simulator.generator
        shown = [
            enlarged(frame, _LEAST_FILM_PX)
            for frame in journey(generator, seeds, frames, truncation, self._label)
        ]
        packet = self._packet(f"Film between simulated works, seeds {seed} to {seeds[-1]}", _MADE)
        height, width = shown[0].shape[:2]
        report = {"seeds": list(seeds), "frames": frames, "frames_per_s": FRAMES_PER_S}
        return Product(
            webp_film(shown, FRAMES_PER_S, packet), ".webp", width, height, _MADE, report
        )

    def axes(self, seed: int) -> Product:
        """Make a sheet with a row for each axis of the generator."""
        rows = axes(self.simulator.generator, seed, self._label)
        cells = [enlarged(one, _LEAST_CELL_PX) for row in rows.values() for one in row]
        product = self._png(grid(cells, COLUMNS, gap_px=4), f"Axes of a generator, seed {seed}")
        product.report["rows"] = list(rows)
        return product

    def projection(self, square: np.ndarray, scan_id: str) -> Product:
        """Make a pair: a real work's centre square, and the nearest that the generator can do.

        Args:
            square: (size, size, 3) uint8, as large as the generator's works.
            scan_id: Of the real work.
        """
        found = project(self.simulator.generator, square, label=self._label)
        pair = [enlarged(one, _LEAST_PAIR_PX) for one in (square, found.picture)]
        product = self._png(
            grid(pair, 2, gap_px=4),
            "A real work, left, and the nearest that a model can make, right",
            _BESIDE,
            scan_id,
        )
        product.report.update(
            rms_levels=found.rms,
            rms_levels_of_the_nearest_of_256=found.rms_before,
            unusualness=found.unusualness,
            start=found.start.flatten().tolist(),
            start_shape=list(found.start.shape),
        )
        return product

    @property
    def _label(self) -> int | None:
        return self.simulator.label_of(self.collection)

    def _png(
        self,
        picture: np.ndarray,
        title: str,
        source_type: DigitalSourceType = _MADE,
        source: str | None = None,
    ) -> Product:
        content = png_bytes(picture, self._packet(title, source_type, source))
        height, width = picture.shape[:2]
        return Product(content, ".png", width, height, source_type)

    def _packet(
        self, title: str, source_type: DigitalSourceType, source: str | None = None
    ) -> bytes:
        note = f"Made by a model that learned from {self.collection}; not a work of any person."
        provenance = Provenance(
            source_sha256=source,
            model_id=self.model_id,
            settings_sha256=self.settings_sha256,
            title=title,
            note=note,
        )
        return xmp_packet(source_type, provenance)
