"""A generator of textures: sketched by transport of patches, laid in pieces of the works."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.models.pieces import Laid, lay, piece_side

PATCH_PX = 7
_COMPONENTS = 32
_CENTRE_PX = 0.8
_STRIDE = 2
_COARSEST_PX = 12
_MOST_COSTS = 2**20


@dataclass(frozen=True)
class Pass:
    """What one pass over a texture did.

    Attributes:
        level: Number of the level, the coarsest is 0.
        number: Number of the pass at that level.
        chosen: (M,) source patch that each patch of the texture became.
    """

    level: int
    number: int
    chosen: Tensor


class _Level(nn.Module):
    """Source patches of one resolution, and the bonus of each in every pass."""

    patches: Tensor
    coded: Tensor
    basis: Tensor
    squares: Tensor
    scales: Tensor

    def __init__(
        self, sources: Sequence[Tensor], coarser: Sequence[Tensor] | None, passes: int
    ) -> None:
        super().__init__()
        patches = _patches(sources)
        centred = patches - patches.mean(dim=0)
        _, axes = torch.linalg.eigh(centred.T @ centred)
        basis = axes[:, -_COMPONENTS:]
        # What was enlarged is compared with works that were enlarged; from then on, with works.
        looks = [patches] * passes
        if coarser is not None:
            looks[0] = _patches(
                [_scaled(c, s.shape[1:]) for c, s in zip(coarser, sources, strict=True)]
            )
        coded = torch.stack([look @ basis for look in looks[:2]])
        self.register_buffer("patches", patches, persistent=False)
        self.register_buffer("basis", basis, persistent=False)
        self.register_buffer("coded", coded, persistent=False)
        self.register_buffer("squares", coded.square().sum(dim=2), persistent=False)
        self.bonuses = nn.Parameter(torch.zeros(passes, len(patches)))
        self.register_buffer("scales", torch.ones(passes))

    @torch.no_grad()
    def nearest(self, wanted: Tensor, number: int) -> Tensor:
        """Return for each patch (M, 147) the source patch that is cheapest, (M,)."""
        costs = self._costs(wanted, number, self.bonuses[number])
        return torch.cat([some.argmin(dim=1) for some in costs])

    @torch.no_grad()
    def set_bonuses(self, wanted: Tensor, number: int) -> None:
        """Give each source patch the least bonus at which one of these patches would take it."""
        nothing = torch.zeros_like(self.bonuses[number])
        behind = torch.full_like(nothing, torch.inf)
        for costs in self._costs(wanted, number, nothing):
            above = costs - costs.min(dim=1, keepdim=True).values
            behind = torch.minimum(behind, above.min(dim=0).values)
        self.bonuses[number] = behind
        self.scales[number] = behind.mean()

    def _costs(self, wanted: Tensor, number: int, bonuses: Tensor) -> Iterator[Tensor]:
        """Yield |q - y|^2 - bonus, less |q|^2, of all source patches for some patches at a time."""
        look = min(number, len(self.coded) - 1)
        coded = wanted @ self.basis
        for part in coded.split(max(1, _MOST_COSTS // len(bonuses))):
            yield torch.addmm(self.squares[look] - bonuses, part, self.coded[look].T, alpha=-2)


class TextureGenerator(nn.Module):
    """Make textures of any size, without end in both directions, from the patches of works.

    A texture starts as a mosaic of random patches at the coarsest resolution. Each pass replaces
    every patch by the source patch that is nearest to it once bonuses are taken off, and averages
    what overlaps; then the texture is enlarged to the next resolution. The bonuses are what is
    learned: with them every source patch is used equally often, which makes a pass the optimal
    transport onto the patches of the works. Patches reach over the border to the other side, so
    a texture is one tile of an endless pattern.

    At half the works' resolution that is a sketch of which colours lie where. Averages are softer
    than works, so the texture itself is laid after the sketch in pieces of the works, see
    `artgan.models.pieces.lay`.

    Differs from the papers: patches of 7 pixels compared along their 32 widest axes; several
    passes at each resolution with bonuses of their own, of which the first compares enlarged with
    enlarged, as the second paper does; a mosaic in place of a Gaussian field; centres that count
    more than rims; pieces in place of the last resolution.

    Args:
        sources: Works or parts of works, (3, H, W) in [0, 1] each, both sides at least 12.
        passes: Passes at each resolution.

    Raises:
        InvalidInputError: When there is no source or one is too small.

    References:
        Galerne, Leclaire and Rabin 2018, "A Texture Synthesis Model Based on Semi-Discrete Optimal
        Transport in Patch Space", https://doi.org/10.1137/18M1175781; Granot et al. 2022, "Drop
        the GAN: In Defense of Patches Nearest Neighbors as Single Image Generative Models",
        https://arxiv.org/abs/2103.15545
    """

    window: Tensor

    def __init__(self, sources: Sequence[Tensor], passes: int) -> None:
        super().__init__()
        least = min((min(source.shape[1:]) for source in sources), default=0)
        if least < _COARSEST_PX:
            raise InvalidInputError(
                f"sources must be at least one picture of at least {_COARSEST_PX} pixels a side, "
                f"got {len(sources)} and a side of {least}. Take a larger part of the work."
            )
        self.passes = passes
        self.halvings = int(math.log2(least / _COARSEST_PX))
        last = min(1, self.halvings)
        scaled = [
            [_reduced(one, 2**n) for one in sources] for n in range(self.halvings, last - 1, -1)
        ]
        pairs = zip(scaled, [None, *scaled], strict=False)
        self.levels = nn.ModuleList(_Level(own, coarser, passes) for own, coarser in pairs)
        self.register_buffer("window", _window(_CENTRE_PX), persistent=False)
        # Pieces are cut along paths, one after the other: that stays on the CPU.
        self._works = [source.cpu() for source in sources]
        self.piece_px = piece_side(sources)
        self._blurred = [
            _scaled(_scaled(work, self._in_pieces(work.shape[1:])), work.shape[1:])
            for work in self._works
        ]

    @property
    def least_px(self) -> int:
        """Shortest side of a texture."""
        return max(PATCH_PX * 2**self.halvings, 2 * self.piece_px)

    @torch.no_grad()
    def forward(self, height: int, width: int, rng: torch.Generator | None = None) -> Laid:
        """Make one texture.

        Arguments and errors are those of `sketch`.
        """
        sketch, _ = self.sketch(height, width, rng)
        # Averages of patches are softer than works, and pieces as soft as they are the dull ones:
        # what counts is the mean colour.
        rough = _scaled(sketch[0].cpu(), self._in_pieces((height, width)))[None]
        rough = _enlarged(rough, (height, width))[0]
        return lay(rough, self._works, self._blurred, self.piece_px)

    def _in_pieces(self, size: Sequence[int]) -> list[int]:
        """Return a size in pieces instead of pixels."""
        return [max(1, round(side / self.piece_px)) for side in size]

    def sketch(
        self, height: int, width: int, rng: torch.Generator | None = None
    ) -> tuple[Tensor, list[Pass]]:
        """Say roughly where what lies in a texture.

        Args:
            height: At least ``least_px``.
            width: Likewise.
            rng: Source of randomness, on the CPU; None is torch's global generator.

        Returns:
            The texture at half the resolution (that of the works themselves where they are
            smallest), (1, 3, H, W) in [0, 1], and what each pass did.

        Raises:
            InvalidInputError: When a side is too short.
        """
        if min(height, width) < self.least_px:
            raise InvalidInputError(
                f"sides of a texture must be at least {self.least_px}, got {width}x{height}. "
                "Make it larger; a part can be cut from it."
            )
        return self._grow(height, width, rng, lambda *_: None)

    def set_bonuses(self, height: int, width: int, rng: torch.Generator | None = None) -> None:
        """Start with bonuses at which every source patch is just about to be used.

        The least at which some patch of a first texture would take it: those that nothing is
        near to become as attractive as the others. What is learned is how they differ from that.
        """
        self._grow(height, width, rng, _Level.set_bonuses)

    def _grow(
        self,
        height: int,
        width: int,
        rng: torch.Generator | None,
        before: Callable[[_Level, Tensor, int], None],
    ) -> tuple[Tensor, list[Pass]]:
        passes: list[Pass] = []
        texture = torch.empty(0)
        for number, level in enumerate(self.levels):
            assert isinstance(level, _Level)
            factor = 2 ** (self.halvings - number)
            size = -(-height // factor), -(-width // factor)
            texture = _enlarged(texture, size) if number else self._mosaic(level, size, rng)
            for turn in range(self.passes):
                texture, chosen = self._pass(level, texture, turn, rng, before)
                passes.append(Pass(number, turn, chosen))
        return texture.clamp(0, 1), passes

    def misuse(self, did: Pass) -> Tensor:
        """Return a loss that lowers the bonuses of patches used too often and raises the others'.

        Its slope along a bonus, in units of the mean first bonus, is how often that patch was
        used, as a multiple of its fair share, less one: that of the semi-dual of the transport,
        Galerne et al., eq. 11.
        """
        level = self.levels[did.level]
        assert isinstance(level, _Level)
        bonuses = level.bonuses[did.number]
        unfair = bonuses[did.chosen].mean() - bonuses.mean()
        return len(bonuses) * level.scales[did.number] * unfair

    def _mosaic(self, level: _Level, size: tuple[int, int], rng: torch.Generator | None) -> Tensor:
        count = -(-size[0] // PATCH_PX) * -(-size[1] // PATCH_PX)
        chosen = torch.randint(len(level.patches), (count,), generator=rng)
        patches = level.patches[chosen.to(level.patches.device)]
        return _laid(patches, size, PATCH_PX, torch.ones_like(self.window))

    def _pass(
        self,
        level: _Level,
        texture: Tensor,
        number: int,
        rng: torch.Generator | None,
        before: Callable[[_Level, Tensor, int], None],
    ) -> tuple[Tensor, Tensor]:
        height, width = texture.shape[2:]
        shifts = torch.randint(_STRIDE, (2,), generator=rng).tolist()
        moved = texture.roll(shifts, (2, 3))
        around = F.pad(moved, (0, PATCH_PX - 1, 0, PATCH_PX - 1), mode="circular")
        wanted = F.unfold(around, PATCH_PX, stride=_STRIDE)[0].T
        before(level, wanted, number)
        chosen = level.nearest(wanted, number)
        laid = _laid(level.patches[chosen], (height, width), _STRIDE, self.window)
        return laid.roll([-shift for shift in shifts], (2, 3)), chosen


def _laid(patches: Tensor, size: tuple[int, int], stride: int, window: Tensor) -> Tensor:
    """Average overlapping patches (M, 147), laid row by row on a torus; (1, 3, H, W)."""
    # The last row and column of patches reach beyond the lower and the right border.
    whole = tuple((side - 1) // stride * stride + PATCH_PX for side in size)
    weights = window.expand_as(patches)
    total, weight = (
        _wrapped(F.fold(one.T[None], whole, PATCH_PX, stride=stride), size)
        for one in (patches * weights, weights)
    )
    return total / weight


def _wrapped(canvas: Tensor, size: tuple[int, int]) -> Tensor:
    """Add what lies beyond the lower and right border to the upper and left one."""
    for axis, side in zip((2, 3), size, strict=True):
        beyond = canvas.narrow(axis, side, canvas.shape[axis] - side)
        canvas = canvas.narrow(axis, 0, side).clone()
        canvas.narrow(axis, 0, beyond.shape[axis]).add_(beyond)
    return canvas


def _enlarged(texture: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge linearly, across the border to the other side."""
    for axis, target in zip((2, 3), size, strict=True):
        side = texture.shape[axis]
        at = (torch.arange(target, device=texture.device) + 0.5) * side / target - 0.5
        low = at.floor()
        share = (at - low).view(-1, *[1] * (3 - axis))
        first = texture.index_select(axis, low.long() % side)
        second = texture.index_select(axis, (low.long() + 1) % side)
        texture = torch.lerp(first, second, share)
    return texture


def _patches(sources: Sequence[Tensor]) -> Tensor:
    """Return all patches of works (3, H, W), row by row, (N, 147)."""
    return torch.cat([F.unfold(source[None], PATCH_PX)[0].T for source in sources])


def _reduced(source: Tensor, factor: int) -> Tensor:
    return _scaled(source, [max(_COARSEST_PX, round(side / factor)) for side in source.shape[1:]])


def _scaled(source: Tensor, size: Sequence[int]) -> Tensor:
    scaled = F.interpolate(source[None], list(size), mode="bilinear", antialias=True)
    return scaled[0].clamp(0, 1)


def _window(spread_px: float) -> Tensor:
    """Weights of the values of a patch: a bell over its pixels, the same for each colour."""
    offsets = torch.arange(PATCH_PX) - (PATCH_PX - 1) / 2
    bell = torch.exp(-offsets.square() / (2 * spread_px**2))
    return (bell[:, None] * bell[None, :]).expand(3, -1, -1).flatten()
