"""Who records what."""

import pytest

from subspacelens_tui.recording.distributed import Rank, device_of, rank_of
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.work_partition import batches_of, missing, next_batch
from subspacelens_tui.sessions.format import ImageInfo

PLAN = [ImageInfo(prompt=0, seed=seed, guidance=scale) for scale in (1.0, 3.0) for seed in range(9)]
BATCHES = batches_of(PLAN, 4)


def test_batches_do_not_mix_guidance_scales() -> None:
    assert BATCHES == [[0, 1, 2, 3], [4, 5, 6, 7], [8], [9, 10, 11, 12], [13, 14, 15, 16], [17]]


def test_alone_everything_missing_is_recorded_in_order_in_the_batches_of_the_plan() -> None:
    recorded = {0, 1, 2, 3, 4, 6, 9, 10, 11, 12}
    order = []
    while (batch := next_batch(BATCHES, recorded, (), Rank())) is not None:
        order.append(batch)
        recorded |= set(batch)
    assert order == [[5, 7], [8], [13, 14, 15, 16], [17]]
    assert not missing(BATCHES, recorded)


@pytest.mark.parametrize("world", [2, 3, 8])
@pytest.mark.parametrize("dying", [None, 1])
def test_ranks_share_and_take_over(world: int, dying: int | None) -> None:
    """Turn by turn: nothing is made twice, and a rank that dies in its first batch takes nothing with it."""
    made: list[int] = []
    busy: dict[int, list[int]] = {}
    for turn in range(20):
        for rank in range(world):
            finished = busy.pop(rank, [])
            if rank == dying and turn > 0:
                continue
            made += finished
            others = {image for batch in busy.values() for image in batch}
            batch = next_batch(BATCHES, made, others, Rank(rank, world))
            if batch is not None:
                busy[rank] = batch
    assert sorted(made) == list(range(18))


def test_a_share_that_is_through_is_followed_by_help_from_the_end() -> None:
    own = {0, 1, 2, 3, 8, 13, 14, 15, 16}
    assert next_batch(BATCHES, own, {4, 5, 6, 7}, Rank(0, 2)) == [17]
    assert next_batch(BATCHES, own, {4, 5, 6, 7, 17}, Rank(0, 2)) == [9, 10, 11, 12]
    assert next_batch(BATCHES, own, {4, 9, 17}, Rank(0, 2)) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Rank()),
        ({"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}, Rank(3, 8, 1)),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "6", "SLURM_LOCALID": "2"}, Rank(5, 6, 2)),
        ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}, Rank(1, 2, 1)),
        ({"PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALRANKID": "0"}, Rank(1, 2, 0)),
        ({"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1", "RANK": "1", "WORLD_SIZE": "2"}, Rank(1, 2, 1)),
        ({"RANK": "1", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2"}, Rank(1, 2, 1)),
    ],
)
def test_launchers(environment: dict[str, str], expected: Rank) -> None:
    assert rank_of(environment) == expected


@pytest.mark.parametrize(
    "environment",
    [
        # A batch script; the shell of salloc on a login node; the one that it opens on a compute node.
        {"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_NPROCS": "4", "SLURM_LOCALID": "0"},
        {"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "interactive"},
        {"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "1", "SLURM_LOCALID": "0"},
    ],
)
def test_a_process_of_a_slurm_job_that_srun_did_not_start_is_alone(environment: dict[str, str]) -> None:
    assert rank_of(environment).alone


@pytest.mark.parametrize(("rank", "world"), [("2", "2"), ("-1", "2"), ("x", "2"), ("0", "0"), ("0", "99999")])
def test_an_environment_that_cannot_be_gets_one_line(rank: str, world: str) -> None:
    with pytest.raises(RecordingError) as caught:
        rank_of({"RANK": rank, "WORLD_SIZE": world})
    assert "\n" not in str(caught.value)


def test_each_rank_takes_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert [device_of(None, Rank(local + 8, 16, local)) for local in (0, 3, 5)] == [
        "cuda:0",
        "cuda:3",
        "cuda:1",
    ]
    assert device_of("cuda", Rank(1, 2, 1)) == "cuda:1"
    assert device_of("cuda:2", Rank()) == "cuda:2"
    assert device_of("cpu", Rank(1, 2, 1)) == "cpu"
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert device_of(None, Rank(3, 4, 3)) == "cuda:0"
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert device_of(None, Rank(1, 2, 1)) is None
