"""What `session.json` says: the one description of a session that recorder and readers share.

The folder as a whole is described in docs/session-format.md.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from subspacelens_tui.sessions.errors import SessionError

FORMAT_VERSION = 1
MANIFEST = "session.json"
MAX_MANIFEST_BYTES = 64 * 2**20

Branch = Literal["cond", "uncond"]
BRANCHES: tuple[Branch, ...] = ("cond", "uncond")

_Text = Annotated[str, Field(max_length=10_000)]
_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Count = Annotated[int, Field(ge=1, le=10_000_000)]


class _Part(BaseModel):
    # Unknown keys are kept out rather than refused: a newer minor writer may add some.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=False)


class ModelInfo(_Part):
    """The generator that was recorded, as precisely as it can be named."""

    id: _Text
    revision: _Text | None = None
    pipeline: _Text | None = None
    dtype: _Text | None = None
    device: _Text | None = None
    device_name: _Text | None = None
    random_init: bool = False


class Prompt(_Part):
    """One prompt and the class it has under each label scheme."""

    text: _Text
    labels: dict[_Name, _Name]


class ImageInfo(_Part):
    """One image of the plan: an index into `prompts`, the seed of its noise, its guidance scale."""

    prompt: Annotated[int, Field(ge=0)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    guidance: Annotated[float, Field(ge=0, le=1000)]

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches a forward pass has: at guidance 1 and below there is no unconditional one."""
        return BRANCHES if self.guidance > 1 else BRANCHES[:1]


class Block(_Part):
    """One hooked transformer block; `width` is the length of its pooled feature vector."""

    name: _Name
    width: Annotated[int, Field(ge=1, le=1_000_000)]


class Manifest(_Part):
    """The content of `session.json`.

    `blocks` and `input_width` are empty until the recorder has loaded the model; everything else is
    known when the session is created and never changes.
    """

    format_version: Literal[1] = 1
    created: _Text
    model: ModelInfo
    prompt_set: _Text
    prompts: Annotated[list[Prompt], Field(min_length=1, max_length=100_000)]
    images: Annotated[list[ImageInfo], Field(min_length=1, max_length=10_000_000)]
    steps: Annotated[int, Field(ge=1, le=100_000)]
    capture_steps: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=100_000)]
    guidance: Annotated[list[Annotated[float, Field(ge=0, le=1000)]], Field(min_length=1, max_length=10_000)]
    batch_size: _Count | None = None
    tokens: _Count | None = None
    blocks: Annotated[list[Block], Field(max_length=100_000)] = []
    input_width: _Count | None = None
    versions: dict[_Name, _Text] = {}

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        if not self.prompts[0].labels:
            raise ValueError("the prompts have no labels")
        for prompt in self.prompts:
            if prompt.labels.keys() != self.prompts[0].labels.keys():
                raise ValueError(f"prompt {prompt.text[:60]!r} lacks a label that other prompts have")
        for i, image in enumerate(self.images):
            if image.prompt >= len(self.prompts):
                raise ValueError(f"image {i} names prompt {image.prompt}, but there are {len(self.prompts)}")
            if image.guidance not in self.guidance:
                raise ValueError(f"image {i} has guidance {image.guidance:g}, which `guidance` does not list")
        if max(self.capture_steps) >= self.steps or sorted(set(self.capture_steps)) != self.capture_steps:
            raise ValueError(f"capture_steps must ascend and lie below steps ({self.steps})")
        return self

    @property
    def label_schemes(self) -> tuple[str, ...]:
        """Names of the label schemes, in the order of the prompt file."""
        return tuple(self.prompts[0].labels)

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches that some image of the session has."""
        return BRANCHES if max(self.guidance) > 1 else BRANCHES[:1]

    def to_json(self) -> str:
        """The text of `session.json`."""
        return self.model_dump_json(indent=1)


def read_manifest(folder: Path) -> Manifest:
    """Read and check `session.json`.

    Raises:
        SessionError: if it is missing, too large, not JSON, of a newer format, or inconsistent.
    """
    path = folder / MANIFEST
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise SessionError(
                f"{path} is larger than {MAX_MANIFEST_BYTES >> 20} MiB; it is no session.json of ours"
            )
        text = path.read_bytes()
    except FileNotFoundError:
        raise SessionError(f"{folder} is no session: it has no {MANIFEST}") from None
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror or error}") from None
    return parse_manifest(text, path)


def parse_manifest(text: bytes | str, path: Path) -> Manifest:
    """Check the text of a `session.json`; `path` is for the message only."""
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise SessionError(f"{path} is damaged: {_first_problem(error.errors())}") from None


def _first_problem(problems: Sequence[Any]) -> str:
    first = problems[0]
    where = ".".join(str(part) for part in first["loc"])
    if where == "format_version" and isinstance(first["input"], int) and first["input"] > FORMAT_VERSION:
        return (
            f"it has format version {first['input']}, this program reads up to {FORMAT_VERSION}: "
            "update subspacelens-tui"
        )
    problem = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {problem}" if where else problem
