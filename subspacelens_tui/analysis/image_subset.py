"""Which images of a large session are analysed: as many as N × N work is bearable for, drawn by a seed."""

from collections.abc import Iterable, Sequence

import numpy as np

from subspacelens_tui.sessions import Manifest

# At 28 layers of width 1152 a thousand images are Gram matrices of 0.2 GiB and a few seconds of work on one
# core; twice as many would be four and eight times that.
MOST_IMAGES = 1000
# Of features and Gram matrices of one configuration; the app keeps four of these.
MEMORY = 384 * 2**20
LEAST_IMAGES = 2


def most_images(widths: Sequence[int]) -> int:
    """How many images of layers of these widths can be analysed together; maybe fewer than two."""
    layers, floats = len(widths), sum(widths)

    def fits(n: int) -> bool:
        return 8 * layers * n**2 + 4 * floats * n + 16 * max(widths) * n <= MEMORY

    return next((n for n in range(MOST_IMAGES, 0, -1) if fits(n)), 0)


class Draw:
    """The order in which the images of one guidance scale are wanted.

    Images are drawn in whole rounds, a round being the n-th image of every prompt: that keeps the draw
    balanced over prompts, and images of one seed together where prompts share their seeds.

    Args:
        manifest: the plan.
        guidance: the scale.
        seed: of the draw.
    """

    def __init__(self, manifest: Manifest, guidance: float, seed: int) -> None:
        rng = np.random.default_rng(seed)
        rounds: dict[int, int] = {}
        met: dict[int, int] = {}
        for index, image in enumerate(manifest.images):
            if image.guidance == guidance:
                rounds[index] = met[image.prompt] = met.get(image.prompt, -1) + 1
        self._round = rounds
        place = rng.permutation(max(rounds.values(), default=0) + 1)
        prompt = rng.permutation(len(manifest.prompts))
        self._wanted = {
            index: (int(place[round_]), int(prompt[manifest.images[index].prompt]))
            for index, round_ in rounds.items()
        }

    def first(self, recorded: Iterable[int], most: int) -> set[int]:
        """At most so many of the recorded images; of more than one round, none is cut."""
        wanted = sorted(recorded, key=self._wanted.__getitem__)
        if len(wanted) <= most:
            return set(wanted)
        cut = self._round[wanted[most]]
        whole = [image for image in wanted[:most] if self._round[image] != cut]
        return set(whole or wanted[:most])
