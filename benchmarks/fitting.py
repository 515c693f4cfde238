"""What `optim` reaches on pairs of real works, and what its steps cost; a part of `painting`.

Each pair is fitted straight to the end, and once more in a process that is killed when half of its
steps are made, and then taken up again by another: the pictures must be the same. Distances are
those of Gram matrices in VGG-19, at the picture's own size.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from held_out import line, say

from artgan.imaging.read import read_rgb
from artgan.imaging.tensors import arrays_to_batch
from artgan.imaging.write import png_bytes
from artgan.metrics.features import Extractor
from artgan.metrics.perceptual import gram_distance
from artgan.metrics.vgg import Vgg19Conv34
from artgan.simulate.works import grid
from artgan.stylize.color import ColorStylizer, measure_colors
from artgan.stylize.losses import content_loss, gram, gram_loss, mean_grams, style_network
from artgan.stylize.optim import Checkpoint, Fit, OptimStylizer
from artgan.stylize.stylizer import stylize_picture
from artgan.stylize.tiled_loss import Weights

PAIRS = (
    ("old_masters", 3, "van_gogh", 2),
    ("monet_256", 5, "ukiyo_e", 4),
    ("van_gogh", 7, "monet_256", 11),
    ("ukiyo_e", 9, "old_masters", 8),
    ("old_masters", 12, "ukiyo_e", 15),
)
"""Content and style: a collection and the number of a file in it, each."""
MOST_OF_LOOP = 2.0
Line = dict[str, object]
Pair = tuple[str, int, str, int]


def fitting(extractor: Extractor, content: np.ndarray, style: np.ndarray, steps: int) -> list[Line]:
    """Compare a fit with a plain loop in time, and with its start and colour in distance."""
    network = extractor.network
    assert isinstance(network, Vgg19Conv34), "asked for by name"
    targets = mean_grams(network, [arrays_to_batch([style])])

    def plain() -> None:
        image = arrays_to_batch([content]).requires_grad_()
        wanted = network.maps(image.detach())[-1]
        optimizer = torch.optim.LBFGS([image], lr=1, max_iter=1, history_size=10)

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            maps = network.maps(image)
            loss = gram_loss([gram(one) for one in maps], targets)
            loss = loss + Weights().content * content_loss(maps[-1], wanted)
            loss.backward()
            return loss

        for _ in range(steps):
            optimizer.step(closure)

    started = time.process_time()
    result = stylize_picture(OptimStylizer(network, [style], Fit(steps=steps)), content)
    ours_s = (time.process_time() - started) / steps
    started = time.process_time()
    plain()
    plain_s = (time.process_time() - started) / steps
    color = stylize_picture(ColorStylizer(measure_colors(style)), content)
    apart = [float(gram_distance(extractor, [one], [style])[0]) for one in (result, color)]
    return [
        line(
            *("painting/optim/seconds_per_step", ours_s, "CPU s", "plain loop", plain_s),
            f"at most {MOST_OF_LOOP:g} times: Gram matrices are pooled before the gradient",
            holds=ours_s <= MOST_OF_LOOP * plain_s,
        ),
        line(
            *("painting/optim/gram_distance", apart[0], "", "color", apart[1], "below peer"),
            holds=apart[0] < apart[1],
        ),
    ]


def read_long(folder: Path, number: int, side_px: int) -> np.ndarray:
    """Read a collection's file by its number, made small to a long side."""
    picture = read_rgb(sorted(folder.iterdir())[number].read_bytes(), max(600, side_px))
    height, width = picture.shape[:2]
    scale = side_px / max(height, width)
    size = round(width * scale), round(height * scale)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def device() -> str:
    """Return where pairs are fitted."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def pairs(root: Path, pair: Pair, side_px: int, steps: int, keep: Path | None) -> list[Line]:
    """Fit a pair: how near it comes, beside colour, and whether a kill changes the picture.

    Args:
        root: Folder with scans and weights.
        pair: One of `PAIRS`.
        side_px: Long side of content and style.
        steps: Steps at each scale.
        keep: Folder of the pictures, if any.
    """
    of, content_number, to, style_number = pair
    content = read_long(root / "scans" / of, content_number, side_px)
    style = read_long(root / "scans" / to, style_number, side_px)
    name = f"{of}_{content_number}_to_{to}_{style_number}"
    network = style_network(str(root / "weights"), "pairs").to(device())
    targets = mean_grams(network, [arrays_to_batch([style]).to(device())])

    def distance(picture: np.ndarray, targets: Sequence[torch.Tensor] = targets) -> float:
        with torch.inference_mode():
            maps = network.maps(arrays_to_batch([picture]).to(device()))
            parts = [
                (gram(one) - goal).norm() / goal.norm()
                for one, goal in zip(maps, targets, strict=True)
            ]
        return float(torch.stack(parts).mean())

    fit = Fit(steps=steps, coarsest_px=max(16, side_px // 4))
    started = time.process_time()
    made = stylize_picture(OptimStylizer(network, [style], fit), content)
    spent_s = time.process_time() - started
    color = stylize_picture(ColorStylizer(measure_colors(style)), content)
    start = distance(content)
    ours, theirs = (distance(picture) / start for picture in (made, color))
    again = resumed(root, content, style, fit)
    apart = float(np.abs(again.astype(int) - made).max())
    say(f"{name}: {made.shape[1]} x {made.shape[0]} px, {spent_s:.0f} CPU s")
    if keep is not None:
        sheet = [_square(one, side_px) for one in (content, style, color, made)]
        (keep / f"{name}.png").write_bytes(png_bytes(grid(sheet, len(sheet))))
    facts = {"long_side_px": side_px, "steps": steps, "device": device()}
    found = [
        line(
            *(f"painting/optim/pair/{name}", ours, "part of the start's Gram distance"),
            *("color", theirs, "below a tenth"),
            holds=ours < 0.1,
        ),
        line(
            *(f"painting/optim/resumed/{name}", apart, "levels of 255, largest difference"),
            *("not killed", 0.0, "none"),
            holds=apart == 0,
        ),
    ]
    return [one | facts for one in found]


def _square(picture: np.ndarray, side_px: int) -> np.ndarray:
    height, width = picture.shape[:2]
    rest = ((0, side_px - height), (0, side_px - width), (0, 0))
    return np.pad(picture, rest, constant_values=255)


def resumed(root: Path, content: np.ndarray, style: np.ndarray, fit: Fit) -> np.ndarray:
    """Fit in a process that is killed when half of the steps are made, then in another one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "pair.npz", content=content, style=style)
        asked = {"root": str(root), "steps": fit.steps, "coarsest_px": fit.coarsest_px}
        (folder / "asked.json").write_text(json.dumps(asked))
        scales = len(fit.sizes(content.shape[:2]))
        half = fit.steps * scales // 2
        first = _start(folder)
        for said in first.stdout or ():
            if int(said) >= half:
                os.kill(first.pid, signal.SIGKILL)
                break
        if first.wait() != -signal.SIGKILL:
            raise SystemExit("the fit ended before it was killed")
        second = _start(folder)
        done = [int(said) for said in second.stdout or ()]
        if second.wait() or not done or done[0] <= half - 1:
            raise SystemExit(f"the fit began anew, or failed: {done[:1]}")
        return np.load(folder / "made.npy")


def _start(folder: Path) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("painting.py")
    command = [sys.executable, str(script), "--fit", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def fit_child(folder: Path) -> None:
    """Fit the pair in a folder, going on from where its checkpoint stands; say each step."""
    asked = json.loads((folder / "asked.json").read_text())
    pair, kept = np.load(folder / "pair.npz"), folder / "kept"
    fit = Fit(steps=asked["steps"], coarsest_px=asked["coarsest_px"])

    def save(state: bytes) -> None:
        kept.with_suffix(".part").write_bytes(state)
        kept.with_suffix(".part").replace(kept)

    def load() -> bytes | None:
        return kept.read_bytes() if kept.exists() else None

    def observe(scale: int, _: int, steps: int, __: float) -> None:
        print(scale * fit.steps + steps, flush=True)

    network = style_network(f"{asked['root']}/weights", "pairs").to(device())
    checkpoint = Checkpoint(load, save, every_s=0.0)
    stylizer = OptimStylizer(network, [pair["style"]], fit, checkpoint=checkpoint, observe=observe)
    np.save(folder / "made.npy", stylize_picture(stylizer, pair["content"]))
