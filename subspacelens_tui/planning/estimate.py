"""What a recording will take, said before it starts."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from subspacelens_tui.planning.disk_estimate import feature_bytes, moments_bytes, picture_bytes
from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.machine import host_memory
from subspacelens_tui.planning.memory_estimate import MemoryEstimate, estimate_memory
from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.planning.recorded_speed import KnownRate, known_rate
from subspacelens_tui.planning.steps import captured_at_most
from subspacelens_tui.sessions.byte_sizes import readable
from subspacelens_tui.sessions.format import Manifest


@dataclass(frozen=True)
class Estimate:
    """What a recording will take; sizes in bytes, times in seconds, None where they are not known.

    Attributes:
        images: how many there will be.
        features, features_without_tokens, pictures: bytes on disk.
        features_at_most: whether the features may take less, since how many steps run is not known yet.
        disk_free: bytes that are free where the session will be.
        memory: what it takes, and how many images at a time.
        rate: how fast a recording like this one went.
        host_free: memory that is free, of the machine or of the container or job.
        some_tokens: whether single tokens are kept, as steering is fitted to, but of some blocks only.
    """

    images: int
    features: int
    features_without_tokens: int
    features_at_most: bool
    pictures: int
    moments: int
    moments_held: int
    disk_free: int | None
    memory: MemoryEstimate
    rate: KnownRate | None
    host_free: int
    some_tokens: bool = False

    @property
    def seconds(self) -> float | None:
        """How long one recorder will generate; loading the model comes before."""
        return None if self.rate is None else self.images / self.rate.images_per_second

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each thing that will not fit."""
        return tuple(self._warnings())

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it in words: disk, memory, time, warnings."""
        return self._disk_line(), *self._memory_lines(), self._time_line(), *self._warnings()

    def refuse_moments(self) -> None:
        """See that there is room for the sums over tokens, which are of no use in part.

        Raises:
            PlanningError: there is not.
        """
        for needed, free, what in (
            (self.moments_held, self.host_free, "memory"),
            (self.moments, self.disk_free, "disk"),
        ):
            if free is not None and needed > free:
                raise PlanningError(
                    f"the sums of --moments take {readable(needed)} of {what}, {readable(free)} are free: "
                    "name fewer layers, --moments 8,14, or take fewer classes or --capture steps"
                )

    def _disk_line(self) -> str:
        most = "up to " if self.features_at_most else ""
        line = f"{self.images} images, features {most}{readable(self.features)}"
        if self.features != self.features_without_tokens:
            line += f" ({readable(self.features_without_tokens)} without tokens)"
        line += f", pictures about {readable(self.pictures)}"
        if self.moments:
            line += f", sums over tokens {readable(self.moments)} ({readable(self.moments_held)} of memory)"
        return line if self.disk_free is None else f"{line}; {readable(self.disk_free)} of disk are free"

    def _memory_lines(self) -> Iterator[str]:
        memory = self.memory
        yield memory.in_words
        parts = memory.weights
        line = f"weights: denoiser {readable(parts.denoiser)}, VAE {readable(parts.vae)}"
        line += f", text encoder {readable(parts.text_encoder)}"
        aside = "on the CPU, because it does not fit" if memory.text_encoder_fits is False else "then freed"
        yield f"{line} (to encode the prompts, {aside})"
        if memory.assumed:
            yield (
                "this model's files do not tell all sizes (not on this machine yet, pickled, or of another "
                "kind): those missing are of a PixArt-XL at 512 pixels"
            )

    def _time_line(self) -> str:
        if self.rate is None or self.seconds is None:
            return "how long it takes is not known: no finished session here has this model, device and steps"
        return f"about {_duration(self.seconds)}, at the rate of {self.rate.session}"

    def _warnings(self) -> Iterator[str]:
        memory = self.memory
        if self.some_tokens:
            yield (
                "steering needs the tokens of all blocks, and --layers keeps some: leave it out for a "
                "session to steer by"
            )
        if self.disk_free is not None and self.features + self.pictures + self.moments > self.disk_free:
            yield "the disk will be full before the recording ends: free some of it, or record fewer images"
        if memory.fits is False and memory.usable is not None:
            yield (
                f"{readable(memory.needed)} do not fit on {memory.device.name}, "
                f"where {readable(memory.usable)} can be planned with: "
                "take another --device, a smaller --batch-size or --dtype bfloat16"
            )
        load = memory.weights.denoiser + memory.weights.vae + memory.weights.text_encoder
        if load > self.host_free:
            yield f"loading needs {readable(load)} of memory, and {readable(self.host_free)} are free"


def estimate(request: Request, sessions: Path) -> Estimate:
    """What recording this would take.

    Args:
        request: what is asked for.
        sessions: the folder of sessions, which need not be there yet.

    Raises:
        PlanningError: if it cannot be recorded.
    """
    return estimate_of(plan(request), sessions)


def estimate_of(manifest: Manifest, sessions: Path) -> Estimate:
    """What recording a planned session will take."""
    memory = estimate_memory(manifest)
    on_disk, held = moments_bytes(manifest, memory.shape)
    return Estimate(
        images=len(manifest.images),
        features=feature_bytes(manifest, memory.shape),
        features_without_tokens=feature_bytes(manifest, memory.shape, tokens=0),
        features_at_most=captured_at_most(manifest) > len(manifest.capture_steps),
        pictures=picture_bytes(manifest, memory.picture),
        moments=on_disk,
        moments_held=held,
        disk_free=_disk_free(sessions),
        memory=memory,
        rate=known_rate(manifest, memory.device, memory.dtype, sessions),
        host_free=host_memory().available,
        some_tokens=manifest.tokens is not None and manifest.layers is not None,
    )


def _disk_free(sessions: Path) -> int | None:
    # The folder is made with the first session, so ask where it will be.
    for folder in (sessions, *sessions.absolute().parents):
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            continue
    return None


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
