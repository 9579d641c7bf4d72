"""What `session.json` says: the one description of a session that recorder and readers share.

The folder as a whole is described in docs/session-format.md.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, model_validator

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.ranges import ranges
from subspacelens_tui.sessions.sanitise import quoted
from subspacelens_tui.sessions.versions import FORMAT_VERSION

MANIFEST = "session.json"
IMAGES = "images"
MAX_IMAGES = 200_000

# Denoising steps of an image: far more than any scheduler runs.
MAX_STEPS = 100_000
MAX_CAPTURED = 1_000
MAX_BLOCKS = 1_000

Branch = Literal["cond", "uncond"]
BRANCHES: tuple[Branch, ...] = ("cond", "uncond")

# Far beyond what anybody records, and near enough that nothing here outgrows memory or patience.
_Text = Annotated[str, Field(max_length=10_000)]
_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Count = Annotated[int, Field(ge=1, le=1_000_000)]
_Layer = Annotated[int, Field(ge=0, lt=100_000)]
_Steps = Annotated[int, Field(ge=1, le=MAX_STEPS)]


def _few(most: int) -> BeforeValidator:
    """Refuse longer lists and mappings before their entries are looked at."""

    def check(value: Any) -> Any:
        if isinstance(value, dict | list) and len(value) > most:
            raise ValueError(f"it has {len(value)} entries, the most is {most}")
        return value

    return BeforeValidator(check)


_Scale = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
_Timestep = Annotated[float, Field(allow_inf_nan=False)]
_Scalar = bool | int | Annotated[float, Field(allow_inf_nan=False)] | _Text | None
_Value = _Scalar | Annotated[list[_Scalar], _few(1_000)]
_Argument = _Value | Annotated[dict[_Name, _Value], _few(100)]


class _Part(BaseModel):
    # Unknown keys are kept out rather than refused: a newer minor writer may add some. Before 2.10 pydantic
    # wants names that begin with `model_` for itself.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=False, protected_namespaces=())


class Lora(_Part):
    """A LoRA that was recorded: its file, with the SHA-256 of that, and the weight it was applied with."""

    name: _Text
    path: _Text
    weight: Annotated[float, Field(allow_inf_nan=False)]
    sha256: _Text


class InputImage(_Part):
    """A picture that images were generated from: its file, with the SHA-256 of that.

    `argument` is that of the pipeline's call; of a video each frame is one.
    """

    path: _Text
    sha256: _Text
    argument: _Name = "image"


class ModelInfo(_Part):
    """The generator that was recorded, as precisely as it can be named.

    `scheduler` is the class that took the place of the pipeline's own.
    """

    id: _Text
    revision: _Text | None = None
    commit: _Text | None = None
    pipeline: _Text | None = None
    dtype: _Text | None = None
    device: _Text | None = None
    device_name: _Text | None = None
    variant: _Text | None = None
    components_from: _Text | None = None
    scheduler: _Text | None = None
    loras: Annotated[list[Lora], _few(100)] = []
    quantize: _Text | None = None
    offload: _Text | None = None
    random_init: bool = False
    compiled: bool = False


Origin = Literal["recorder", "loop", "features"]
"""Who wrote a session: the recorder, which can resume it; a user's own loop around a pipeline; an import."""

UNLABELLED = ""
"""The class of a prompt that a label file leaves out: its images are not used under that scheme."""


class Prompt(_Part):
    """One prompt and the class it has under each label scheme."""

    text: _Text
    labels: Annotated[dict[_Name, _Name], _few(50)]


class ImageInfo(_Part):
    """One image of the plan: an index into `prompts`, the seed of its noise, its guidance scale."""

    prompt: Annotated[int, Field(ge=0)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    guidance: _Scale


class Block(_Part):
    """One hooked transformer block.

    Attributes:
        name: in the denoiser: that of its list and its index there.
        width: the length of its pooled feature vector.
        tokens: how many image tokens that is the mean of; None in sessions of version 1.
        level: its resolution, 0 the finest, in a denoiser that works at several; else None.
        weight_norm: the Frobenius norm of its parameters, by which the model is known again; None if unknown.
    """

    name: _Name
    width: Annotated[int, Field(ge=1, le=1_000_000)]
    tokens: _Count | None = None
    level: Annotated[int, Field(ge=0, le=100)] | None = None
    weight_norm: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class UnreadText(_Part):
    """What the model does not read of one prompt.

    Attributes:
        prompt: index into `prompts`.
        tokens, limit: how many tokens the whole text has, and how many the model reads; None if it reads all.
        kept_text: the text up to the last word that is read in full.
        unknown: words that the model's vocabulary lacks: all of them are one and the same token to it.
    """

    prompt: Annotated[int, Field(ge=0)]
    tokens: _Count | None = None
    limit: _Count | None = None
    kept_text: _Text | None = None
    unknown: Annotated[list[_Text], FailFast(), _few(10_000)] = []


class Steering(_Part):
    """What was done to the images of a session while they were generated; `steering.safetensors` has the arrays.

    Attributes:
        statistics: name of the session it was fitted to.
        method: by its key; `control` likewise, where this is one of its controls.
        scheme, source, target: the label scheme, the class of the images and the one they are steered to.
        toward: another class, which a control steered to.
        layers: where.
        strength: times the change.
        steps: the first and the last denoising step.
        half: which of the two passes was changed.
        blocks: of the model that the statistics are of.
        atoms: for each of the layers the atoms of an autoencoder that were set to values; empty without.
        partners: for each prompt that whose tokens its images were given, where the method needs some.
    """

    statistics: _Name
    method: _Name
    control: _Name | None = None
    scheme: _Name
    source: _Name
    target: _Name
    toward: _Name | None = None
    layers: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1), _few(1_000)]
    strength: Annotated[float, Field(allow_inf_nan=False)]
    steps: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
    half: Literal["cond", "uncond", "both"] = "cond"
    atoms: Annotated[list[Annotated[list[Annotated[int, Field(ge=0)]], _few(1_000)]], _few(1_000)] = []
    blocks: Annotated[list[Block], FailFast(), _few(1_000)]
    partners: Annotated[list[Annotated[int, Field(ge=0)]], FailFast(), _few(100_000)] = []

    @property
    def method_words(self) -> str:
        """The method, with its atoms where it has some at one layer."""
        atoms = self.atoms[0] if self.control is None and len(self.atoms) == 1 else []
        return " ".join([self.method, *([", ".join(map(str, atoms))] if atoms else [])])

    @property
    def words(self) -> str:
        """In a few words: `lion → panda, transport at layer 8, strength 1`."""
        layers = ", ".join(map(str, self.layers))
        what = self.method_words
        if self.control is not None:
            what = f"{self.control}, a control of {self.method},"
        return f"{self.source} → {self.target}: {what} at layer {layers}, strength {self.strength:g}"


class Manifest(_Part):
    """The content of `session.json`.

    `blocks`, `input_width`, `model_blocks`, `denoisers`, `frames`, `guidance_branches`, `guidance_argument`,
    `unread_text`, `timesteps` and `scheduler` are empty until the recorder has loaded the model. Only then is it
    known how many `steps` the scheduler runs for the `inference_steps` that were asked for: until then `steps` and,
    with `default_capture`, `capture_steps` are what one step for each would give. Everything else is known when the
    session is created and never changes.

    `input_images` are none, one for all prompts, or one for each. `frames` are those of each video, where the
    pipeline makes videos.

    `layers` are the numbers of the blocks that are recorded, of `model_blocks` in run order; None for all.

    `moments` are the layers at which sums over all tokens are kept; an empty list for all, None for none.

    Sessions of versions that had no `timesteps` take `steps` for `inference_steps`, as those versions did.
    """

    format_version: int = FORMAT_VERSION
    created: _Text
    model: ModelInfo
    prompt_set: _Text
    prompts: Annotated[list[Prompt], Field(min_length=1), FailFast(), _few(100_000)]
    images: Annotated[list[ImageInfo], Field(min_length=1), FailFast(), _few(MAX_IMAGES)]
    steps: _Steps
    inference_steps: _Steps = 0  # never seen: filled in below
    scheduler: _Text | None = None
    timesteps: Annotated[list[_Timestep], FailFast(), _few(MAX_STEPS)] = []
    capture_steps: Annotated[
        list[Annotated[int, Field(ge=0)]], Field(min_length=1), FailFast(), _few(MAX_CAPTURED)
    ]
    default_capture: bool = False
    guidance: Annotated[list[_Scale], Field(min_length=1), FailFast(), _few(1_000)]
    guidance_branches: Annotated[list[Annotated[list[Branch], _few(2)]], FailFast(), _few(1_000)] = []
    guidance_argument: _Name | None = None
    call: Annotated[dict[_Name, _Argument], _few(200)] = {}
    input_images: Annotated[list[InputImage], FailFast(), _few(100_000)] = []
    frames: _Count | None = None
    denoisers: Annotated[list[_Name], _few(20)] = []
    layers: Annotated[list[_Layer], Field(min_length=1), _few(MAX_BLOCKS)] | None = None
    model_blocks: _Count | None = None
    batch_size: _Count | None = None
    tokens: _Count | None = None
    moments: Annotated[list[_Layer], _few(MAX_BLOCKS)] | None = None
    latents: bool = False
    blocks: Annotated[list[Block], FailFast(), _few(MAX_BLOCKS)] = []
    input_width: _Count | None = None
    unread_text: Annotated[list[UnreadText], FailFast(), _few(100_000)] = []
    versions: Annotated[dict[_Name, _Text], _few(1_000)] = {}
    origin: Origin = "recorder"
    steering: Steering | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, content: Any) -> Any:
        if isinstance(content, dict) and "steps" in content:
            return {"inference_steps": content["steps"]} | content
        return content

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        if not self.prompts[0].labels:
            raise ValueError("the prompts have no labels")
        for prompt in self.prompts:
            if prompt.labels.keys() != self.prompts[0].labels.keys():
                raise ValueError(f"prompt {quoted(prompt.text)} lacks a label that other prompts have")
        scales = set(self.guidance)
        if len(scales) < len(self.guidance):
            raise ValueError("guidance lists a scale twice")
        for i, image in enumerate(self.images):
            if image.prompt >= len(self.prompts):
                raise ValueError(f"image {i} names prompt {image.prompt}, but there are {len(self.prompts)}")
            if image.guidance not in scales:
                raise ValueError(f"image {i} has guidance {image.guidance:g}, which `guidance` does not list")
        starts = [image for image in self.input_images if image.argument == "image"]
        if len(starts) not in (0, 1, len(self.prompts)):
            raise ValueError("input_images must have one picture for all prompts, or one for each")
        if any(unread.prompt >= len(self.prompts) for unread in self.unread_text):
            raise ValueError("unread_text names a prompt that is not there")
        if max(self.capture_steps) >= self.steps or sorted(set(self.capture_steps)) != self.capture_steps:
            raise ValueError(f"capture_steps must ascend and lie below steps ({self.steps})")
        if (self.blocks or self.guidance_branches) and len(self.guidance_branches) != len(self.guidance):
            raise ValueError("guidance_branches must have the branches of each guidance scale")
        if any(tuple(found) not in (BRANCHES[:1], BRANCHES) for found in self.guidance_branches):
            raise ValueError('guidance_branches must be ["cond"] or ["cond", "uncond"] for each scale')
        if self.layers is not None and sorted(set(self.layers)) != self.layers:
            raise ValueError("layers must ascend")
        if self.layers and self.blocks and len(self.layers) != len(self.blocks):
            raise ValueError(f"there are {len(self.blocks)} blocks for {len(self.layers)} layers")
        if self.timesteps and len(self.timesteps) != self.steps:
            raise ValueError(f"there are {len(self.timesteps)} timesteps for {self.steps} steps")
        partners = self.steering.partners if self.steering is not None else []
        if partners and (len(partners) != len(self.prompts) or max(partners) >= len(self.prompts)):
            raise ValueError("steering.partners must name a prompt for each prompt")
        return self

    @property
    def not_resumable(self) -> str | None:
        """Why no recorder can go on with it, in words; None if one can."""
        match self.origin:
            case "recorder":
                return None
            case "loop":
                return "it was recorded in a loop of its own, with a pipeline that the recorder does not know"
            case "features":
                return "it was imported, and has no model to generate more images with"

    @property
    def model_words(self) -> str:
        """The model, and whether its images were steered."""
        return self.model.id if self.steering is None else f"{self.model.id}, steered"

    @property
    def label_schemes(self) -> tuple[str, ...]:
        """Names of the label schemes, in the order of the prompt file."""
        return tuple(self.prompts[0].labels)

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches that some image of the session has."""
        return max(map(self.branches_at, self.guidance), key=len)

    def branches_at(self, guidance: float) -> tuple[Branch, ...]:
        """The branches of the images of a guidance scale, as they were found.

        Until the model is loaded, what to expect: most pipelines leave the second out at 1 and below.
        """
        if self.guidance_branches:
            return tuple(self.guidance_branches[self.guidance.index(guidance)])
        return expected_branches(guidance)

    @property
    def block_numbers(self) -> tuple[int, ...]:
        """Of each recorded block its number in the model, in run order from 0: some may be left out."""
        return tuple(range(len(self.blocks)) if self.layers is None else self.layers)

    @property
    def numbered_blocks(self) -> list[tuple[int, str]]:
        """Number in the model and name of each recorded block."""
        return [(n, block.name) for n, block in zip(self.block_numbers, self.blocks, strict=True)]

    def summed_layers(self, blocks: int) -> Sequence[int] | None:
        """The layers of so many blocks at which sums over tokens are kept; None if there are none."""
        return self.moments if self.moments is None else self.moments or range(blocks)

    def layer_of(self, number: int) -> int:
        """Where the block of a number is among those that are recorded.

        Raises:
            SessionError: if it is not there.
        """
        numbers = self.block_numbers
        if number not in numbers:
            there = f"0 to {len(numbers) - 1}" if self.layers is None else ranges(numbers)
            raise SessionError(f"there is no layer {number}: the session has {there}")
        return numbers.index(number)

    def with_schemes(self, schemes: Mapping[str, Sequence[str]]) -> "Manifest":
        """The same with more label schemes: for each the class of every prompt, or `UNLABELLED`.

        Raises:
            ValidationError: if a name is too long.
        """
        prompts = []
        for place, prompt in enumerate(self.prompts):
            more = {scheme: labels[place] for scheme, labels in schemes.items()}
            there = {scheme: label for scheme, label in more.items() if label != UNLABELLED}
            checked = Prompt(text=prompt.text, labels={**dict.fromkeys(more, "x"), **there})
            prompts.append(checked.model_copy(update={"labels": {**prompt.labels, **more}}))
        return self.model_copy(update={"prompts": prompts})

    def timestep(self, step: int) -> float | None:
        """The scheduler's timestep at a denoising step; None where the session does not say."""
        return self.timesteps[step] if 0 <= step < len(self.timesteps) else None

    def to_json(self) -> str:
        """The text of `session.json`."""
        return self.model_dump_json(indent=1)


def expected_branches(guidance: float) -> tuple[Branch, ...]:
    """The branches that a pipeline has at a guidance scale unless it is found to have others."""
    return BRANCHES if guidance > 1 else BRANCHES[:1]
