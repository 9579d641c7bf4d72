"""Which of several recorders this process is, as launchers say it in the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.sessions.events import MAX_RANKS

# Rank, number of ranks, rank on this machine. The first that is there counts: torchrun and accelerate may be
# started by mpirun or srun themselves, whose variables their children see too. Names as accelerate has them
# (accelerate/utils/environment.py), and those of Slurm. SLURM_NTASKS is no sign of srun: it belongs to the
# allocation, so batch scripts and the shells of salloc have it, where one process runs. Only srun sets a
# step's number of tasks.
_LAUNCHERS = (
    ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK"),
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
)


@dataclass(frozen=True)
class Rank:
    """One of the recorders that were started together.

    Attributes:
        index: its number, from 0.
        world: how many there are.
        local: its number among those of its machine.
        said_by: the variable that gave the number of ranks; None without a launcher.
    """

    index: int = 0
    world: int = 1
    local: int = 0
    said_by: str | None = field(default=None, compare=False)

    @property
    def alone(self) -> bool:
        """Whether no other recorder was started with this one."""
        return self.world == 1


def rank_of(environment: Mapping[str, str] = os.environ) -> Rank:
    """The rank that a launcher gave this process; alone if there is no launcher.

    Raises:
        RecordingError: if what the environment says cannot be.
    """
    for index, world, local in _LAUNCHERS:
        if index in environment and world in environment:
            found = Rank(
                _number(environment, index),
                _number(environment, world),
                _number(environment, local if local in environment else index),
                world,
            )
            if not (found.index < found.world <= MAX_RANKS):
                raise RecordingError(
                    f"{index}={found.index} and {world}={found.world} in the environment cannot be: "
                    f"ranks are 0 to {world} - 1, at most {MAX_RANKS}"
                )
            return found
    return Rank()


def device_of(asked: str | None, rank: Rank) -> str | None:
    """The device a rank runs on: of several GPUs its own, by its number on this machine.

    A launcher that shows each rank one GPU only (`srun --gpus-per-task=1`) is right as well.
    """
    if rank.alone or (asked is not None and not asked.startswith("cuda")):
        return asked
    import torch

    gpus = torch.cuda.device_count()
    return f"cuda:{rank.local % gpus}" if gpus else asked


def _number(environment: Mapping[str, str], name: str) -> int:
    try:
        value = int(environment[name])
    except ValueError:
        value = -1
    if value < 0:
        raise RecordingError(f"{name}={environment[name]!r} in the environment is no number of a rank")
    return value
