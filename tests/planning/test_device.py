"""Which device will be taken. No GPU is here: the answers of NVML are made up, in NVML's own types."""

from collections.abc import Callable
from types import SimpleNamespace

import pynvml
import pytest

from subspacelens_tui.planning import device
from subspacelens_tui.planning.device import find_device, nvidia_gpus

NAMES = {0: "NVIDIA H100", 1: "NVIDIA V100", 2: "NVIDIA refused"}


def refuse(code: int) -> Callable[..., object]:
    def answer(*arguments: object) -> object:
        raise pynvml.NVMLError(code)

    return answer


def by_index(index: int) -> int:
    return index if index in NAMES else refuse(pynvml.NVML_ERROR_INVALID_ARGUMENT)()  # type: ignore[return-value]


def by_uuid(uuid: bytes) -> int:
    return 1 if uuid == b"GPU-one" else refuse(pynvml.NVML_ERROR_NOT_FOUND)()  # type: ignore[return-value]


def memory(index: int) -> object:
    if index == 2:
        return refuse(pynvml.NVML_ERROR_NO_PERMISSION)()
    return SimpleNamespace(free=10 + index, total=80)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: len(NAMES),
        "nvmlDeviceGetHandleByIndex": by_index,
        "nvmlDeviceGetHandleByUUID": by_uuid,
        "nvmlDeviceGetMemoryInfo": memory,
        "nvmlDeviceGetCudaComputeCapability": lambda index: (9, 0) if index == 0 else (7, 0),
        "nvmlDeviceGetName": NAMES.__getitem__,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)
    monkeypatch.setattr(device, "_torch_has_cuda", lambda: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_without_a_gpu_it_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pynvml, "nvmlInit", refuse(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND))
    monkeypatch.setattr(device, "_torch_has_cuda", lambda: True)
    assert nvidia_gpus() == []
    found = find_device()
    assert (found.name, found.kind, found.bfloat16) == ("cpu", "cpu", False)
    assert found.free
    assert found.total
    assert find_device("xpu:1").free is None


@pytest.mark.usefixtures("gpus")
def test_a_torch_without_cuda_sees_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_torch_has_cuda", lambda: False)
    assert find_device().name == "cpu"


def test_whether_torch_has_cuda_is_what_torch_says() -> None:
    import torch

    assert device._torch_has_cuda() is (torch.version.cuda is not None)


@pytest.mark.usefixtures("gpus")
def test_gpus_are_in_torchs_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [gpu.name for gpu in nvidia_gpus()] == ["cuda:0", "cuda:1", "cuda:2"]
    first = find_device()
    assert first == device.Device("cuda:0", "NVIDIA H100", 10, 80, bfloat16=True)
    assert find_device("cuda") == first
    assert not find_device("cuda:1").bfloat16
    assert find_device("cuda:2") == device.Device("cuda:2", "cuda:2")
    assert find_device("cuda:7").free is None
    assert find_device("cpu").name == "cpu"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-one,0,9,0")
    assert [gpu.product for gpu in nvidia_gpus()] == ["NVIDIA V100", "NVIDIA H100"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert nvidia_gpus() == []
