"""Measure the metrics beside pytorch-fid and torch-fidelity: the distance, a whole report, memory.

    python benchmarks/metrics.py --quick
    python benchmarks/metrics.py

The peers come with ``pip install artgan[peers]``; without them their numbers are left empty and
nothing is claimed. All networks get the same untrained weights in the layout of the 2015 Inception
file, since time does not depend on training; no number here is a FID. Every whole report runs in a
process of its own, from its start to its end, so that its largest memory is its own. Prints one
JSON line for each result; progress goes to standard error.
"""

import argparse
import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from held_out import say
from PIL import Image
from scipy.ndimage import gaussian_filter

from artgan.metrics.diversity import density_coverage_in, precision_recall_in, vendi_score
from artgan.metrics.feature_store import FeatureStore
from artgan.metrics.features import Extractor, inception_extractor
from artgan.metrics.frechet import frechet_distance, frechet_excess_in
from artgan.metrics.gram import Gram
from artgan.metrics.inception import FidInception, inception_layout, load_inception
from artgan.metrics.kernel import kid_x1000_in
from artgan.metrics.memorisation import copied_share, nearest_works_in
from artgan.storage import open_store

DIMENSION = 2048
QUICK_DIMENSION = 1024
FD_PICTURES = 500
FD_TARGET = 100.0
SIZE_PX = 320
BATCH = 32
_WEIGHTS = "hub/checkpoints/pt_inception-2015-12-05-6726825d.pth"
_UNVERIFIED = "0" * 64

Numbers = dict[str, float]


def installed(module: str) -> bool:
    """Whether a peer can be imported."""
    return importlib.util.find_spec(module) is not None


def features(count: int, seed: int, shift: float = 0.0, dimension: int = DIMENSION) -> np.ndarray:
    """Draw features like those of the Inception: not negative, with a long tail."""
    spread = 1.0 / np.sqrt(np.arange(1, dimension + 1))
    drawn = np.random.default_rng(seed).normal(size=(count, dimension)) + shift
    return np.maximum(drawn, 0.0) * spread


def seconds(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the shortest of some runs, and the result."""
    taken, result = [], None
    for _ in range(repeats):
        started = time.perf_counter()
        result = work()
        taken.append(time.perf_counter() - started)
    return min(taken), result


def distance_lines(dimension: int) -> list[dict[str, object]]:
    """Compare the Fréchet distance of 500 and 500 pictures' features of some length."""
    real = features(FD_PICTURES, 0, dimension=dimension)
    made = features(FD_PICTURES, 1, 0.1, dimension)
    frechet_distance(real[:50], made[:50])  # the first call starts the linear algebra's threads
    own_s, own = seconds(lambda: frechet_distance(real, made), 5)
    peer_s = peer = None
    if installed("pytorch_fid"):
        from pytorch_fid.fid_score import calculate_frechet_distance  # noqa: PLC0415

        def theirs() -> float:
            sides = [(x.mean(axis=0), np.cov(x, rowvar=False)) for x in (real, made)]
            return float(calculate_frechet_distance(*sides[0], *sides[1]))

        peer_s, peer = seconds(theirs, 1)
    faster = None if peer_s is None else peer_s >= FD_TARGET * own_s
    apart = None if peer is None else abs(own - peer) / peer
    name, target = f"metrics/fd_500_of_{dimension}", f"{FD_TARGET:g} times faster"
    return [
        result(name, own_s, "s", "pytorch-fid", peer_s, target, holds=faster),
        result(
            f"{name}_difference",
            apart,
            "relative to pytorch-fid",
            "its own error below 2,048 pictures",
            1e-4,
            "at most 1e-4",
            holds=None if apart is None else apart <= 1e-4,
        ),
    ]


def result(  # noqa: PLR0913 -- the fields of a result
    name: str,
    value: float | None,
    unit: str,
    peer: str,
    peer_value: float | None,
    target: str,
    *,
    holds: bool | None,
) -> dict[str, object]:
    """Make one result line; of a peer that is not installed there is no number, and no claim."""
    known = value is not None and peer_value is not None
    return {
        "name": name,
        "value": rounded(value),
        "unit": unit,
        "peer": peer if known else f"{peer} (not installed)",
        "peer_value": rounded(peer_value),
        "ratio": rounded(value / peer_value) if value is not None and peer_value else None,
        "target": target,
        "holds": bool(holds) if known and holds is not None else None,
    }


def rounded(value: float | None) -> float | None:
    """Round to four digits."""
    return None if value is None else float(f"{value:.4g}")


def write_pictures(folder: Path, count: int, seed: int) -> None:
    """Write soft colour noise as JPEG, fine for the one seed and coarse for the other."""
    folder.mkdir(parents=True)
    for number in range(count):
        rng = np.random.default_rng(1000 * seed + number)
        small = gaussian_filter(rng.normal(size=(80, 80, 3)), (2.0 + 2.0 * seed, 2.0, 0))
        levels = np.clip(128.0 + 60.0 * small / small.std(), 0, 255).astype(np.uint8)
        picture = Image.fromarray(levels).resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:05d}.jpg", quality=92)


def write_weights(path: Path) -> None:
    """Write untrained weights in the layout of the 2015 file; variances are kept through ReLUs."""
    path.parent.mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, tensor in inception_layout().state_dict().items():
        if name.endswith("conv.weight"):
            bound = math.sqrt(2.0 / tensor[0].numel())
            weights[name] = torch.randn(tensor.shape, generator=generator) * bound
        elif not name.endswith("num_batches_tracked"):
            weights[name] = tensor
    torch.save(weights, path)


def pictures_of(folder: Path) -> list[np.ndarray]:
    """Decode a folder as pytorch-fid does."""
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.iterdir())]


def run_artgan(root: Path) -> Numbers:
    """Make the whole report: more numbers than both peers together, from one pass."""
    network: FidInception = load_inception(root / _WEIGHTS)
    extractor: Extractor = inception_extractor(network, _UNVERIFIED)
    kept = FeatureStore(open_store(str(root / "archive")), extractor)
    real, made = (kept.features(pictures_of(root / name)) for name in ("real", "made"))
    gram = Gram.of(real=real, made=made)
    kid = kid_x1000_in(gram, "real", "made")
    excess = frechet_excess_in(gram, "real", "made")
    dense = density_coverage_in(gram, "real", "made")
    precise = precision_recall_in(gram, "real", "made")
    nearest = nearest_works_in(gram, "made", "real", "real")
    return {
        "fd": frechet_distance(real, made),
        "kid": kid.value / 1000.0,
        "kid_low": kid.ci_low / 1000.0,
        "kid_high": kid.ci_high / 1000.0,
        "fd_excess": excess.fd_excess,
        "fd_excess_low": excess.ci_low,
        "fd_excess_high": excess.ci_high,
        "density": dense.density,
        "coverage": dense.coverage,
        "precision": precise.precision,
        "recall": precise.recall,
        "vendi_score": vendi_score(gram.centred("made", "real")),
        "copied_share": copied_share(nearest.ratio),
    }


def run_sets_artgan(root: Path) -> Numbers:
    """KID, density, coverage, precision and recall of many pictures' features."""
    stored = np.load(root / "sets.npz")
    gram = Gram.of(real=stored["real"], made=stored["made"])
    return {
        "kid": kid_x1000_in(gram, "real", "made").value / 1000.0,
        **vars(density_coverage_in(gram, "real", "made")),
        **vars(precision_recall_in(gram, "real", "made")),
    }


_SETS_OF_TORCH_FIDELITY = """
import json, sys
import numpy as np
import torch
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

stored = np.load(sys.argv[1] + "/sets.npz")
real, made = (torch.from_numpy(stored[name]) for name in ("real", "made"))
kid = kid_features_to_metric(real, made, kid_subsets=1, kid_subset_size=len(real), verbose=False)
print(json.dumps(kid | prc_features_to_metric(made, real, verbose=False)))
"""

PARTS: dict[str, Callable[[Path], Numbers]] = {
    "artgan": run_artgan,
    "sets-artgan": run_sets_artgan,
}


def command_of(name: str, root: Path, count: int) -> list[str]:
    """Return how a part is run: ours by this file, the peers as their own command lines."""
    batch = ["--batch-size", str(BATCH)]
    real, made = str(root / "real"), str(root / "made")
    if name == "pytorch-fid":
        fixed = ["--device", "cpu", "--num-workers", "0"]
        return [sys.executable, "-m", "pytorch_fid", real, made, *batch, *fixed]
    if name == "torch-fidelity":
        chosen = [
            "--cpu",
            "--fid",
            "--kid",
            "--prc",
            "--kid-subsets",
            "1",
            "--no-cache",
            "--silent",
        ]
        # its precision and recall would take another network, which would cost it a second pass
        network = ["--feature-extractor", "inception-v3-compat", "--feature-layer-prc", "2048"]
        weights = [*network, "--feature-extractor-weights-path", str(root / _WEIGHTS)]
        # the generated pictures come first; all of them in one subset, as ours
        sides = ["--input1", made, "--input2", real, "--kid-subset-size", str(count), "--json"]
        start = "from torch_fidelity.fidelity import main; main()"
        return [sys.executable, "-c", start, *chosen, *weights, *sides, *batch]
    if name == "sets-torch-fidelity":
        return [sys.executable, "-c", _SETS_OF_TORCH_FIDELITY, str(root)]
    return [sys.executable, __file__, "--part", name, "--root", str(root)]


def run_part(name: str, root: Path, count: int) -> dict[str, Any]:
    """Run a part in a process of its own; return its seconds, largest memory and output."""
    environment = os.environ | {"TORCH_HOME": str(root)}
    started = time.perf_counter()
    with subprocess.Popen(
        command_of(name, root, count), stdout=subprocess.PIPE, text=True, env=environment
    ) as part:
        assert part.stdout is not None
        output = part.stdout.read()
        _, status, usage = os.wait4(part.pid, 0)
        part.returncode = os.waitstatus_to_exitcode(status)
    taken = time.perf_counter() - started
    if part.returncode != 0:
        raise subprocess.CalledProcessError(part.returncode, part.args, output)
    found = {"seconds": taken, "peak_mb": usage.ru_maxrss / 1024.0, "output": output.strip()}
    say(f"{name}: {taken:.1f} s, {found['peak_mb']:.0f} MB, {found['output']}")
    return found


def report_lines(root: Path, count: int, *, quick: bool) -> list[dict[str, object]]:
    """Compare whole reports on ``count`` pictures a side."""
    for name, seed in (("real", 0), ("made", 1)):
        write_pictures(root / name, count, seed)
    write_weights(root / _WEIGHTS)
    own = run_part("artgan", root, count)
    peers = {
        name: run_part(name, root, count) if installed(name.replace("-", "_")) else None
        for name in ("pytorch-fid", "torch-fidelity")
    }
    both = [found["seconds"] for found in peers.values() if found]
    peer_s = sum(both) if len(both) == 2 else None
    total = f"metrics/report_{2 * count}"
    target = "no slower, with more numbers"
    faster = None if peer_s is None else own["seconds"] <= peer_s
    names = "pytorch-fid + torch-fidelity"
    lines = [result(total, own["seconds"], "s", names, peer_s, target, holds=faster)]
    for name, found in peers.items():
        peak = None if found is None else found["peak_mb"]
        lines.append(
            result(f"{total}_memory", own["peak_mb"], "MB", name, peak, "a figure", holds=None)
        )
    fid = peers["pytorch-fid"]
    if fid is not None:
        theirs = float(fid["output"].splitlines()[-1].split()[-1])
        apart = abs(json.loads(own["output"])["fd"] - theirs) / theirs
        name, unit = f"{total}_difference", "relative to pytorch-fid"
        target = "at most 1e-4"
        lines.append(result(name, apart, unit, "tolerance", 1e-4, target, holds=apart <= 1e-4))
    if not quick:
        again = run_part("artgan", root, count)["seconds"]
        first, target = own["seconds"], "less: nothing is computed again"
        name = f"{total}_again"
        lines.append(result(name, again, "s", "the first time", first, target, holds=again < first))
    return lines


def sets_lines(root: Path, count: int) -> list[dict[str, object]]:
    """Compare the measures of sets alone, on features, in time and memory."""
    sides = {"real": features(count, 2), "made": features(count, 3, 0.1)}
    np.savez(root / "sets.npz", **{name: x.astype(np.float32) for name, x in sides.items()})
    own = run_part("sets-artgan", root, count)
    peer = run_part("sets-torch-fidelity", root, count) if installed("torch_fidelity") else None
    lines = []
    for field, unit in (("seconds", "s"), ("peak_mb", "MB")):
        theirs = None if peer is None else peer[field]
        name = f"metrics/sets_{2 * count}_{field}"
        lines.append(
            result(name, own[field], unit, "torch-fidelity", theirs, "a figure", holds=None)
        )
    return lines


def main() -> None:
    """Measure and print; with ``--part`` only run that part here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="few pictures and short features, under 50 s"
    )
    parser.add_argument("--part", choices=PARTS, help="run one part, for a process of its own")
    parser.add_argument("--root", type=Path, help="folder of that part")
    chosen = parser.parse_args()
    torch.set_num_threads(min(2, torch.get_num_threads()))
    if chosen.part is not None:
        print(json.dumps(PARTS[chosen.part](chosen.root)))
        return
    started = time.monotonic()
    lines = distance_lines(QUICK_DIMENSION if chosen.quick else DIMENSION)
    with tempfile.TemporaryDirectory(prefix="artgan-bench-") as folder:
        lines += report_lines(Path(folder), 8 if chosen.quick else 500, quick=chosen.quick)
        if not chosen.quick:
            lines += sets_lines(Path(folder), 5000)
    for found in lines:
        sys.stdout.write(json.dumps(found) + "\n")
    say(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
