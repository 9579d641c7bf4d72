"""Options of a recording; each is a field of `planning.Request`, which checks it."""

from subspacelens_tui.options.option import (
    FormOption,
    Gathered,
    Option,
    layer_numbers,
    named_path,
    named_value,
    numbers,
    path,
    size,
    switch,
    weighted_path,
)

_WHOLE = "a whole number"

QUANTIZATIONS = ("int8", "bnb-int8", "bnb-nf4")

PROMPTS = FormOption(
    "--prompts",
    "FILE|NAME",
    "a prompt set: TOML file, demo or subjects-25",
    more="see [prompt-sets.md](prompt-sets.md); default: the shipped set whose words the model knows",
    label="prompts",
    unless="fits the model",
    says="a prompt set: demo, subjects-25, or a TOML file",
)
SEEDS = FormOption(
    "--seeds",
    "N",
    "images per prompt (default: %(default)s)",
    int,
    20,
    label="seeds",
    says="images of each prompt",
    wants=_WHOLE,
)
STEPS = FormOption(
    "--steps",
    "N",
    "number of denoising steps (default: %(default)s); some schedulers run more",
    int,
    20,
    label="steps",
    says="steps to ask for; some schedulers run more",
    wants=_WHOLE,
)
GUIDANCE = FormOption(
    "--guidance",
    "G[,G…]",
    "classifier-free guidance scales; 1 means no unconditional branch (default: 4.5, demo 3)",
    numbers(float),
    label="guidance",
    unless="fits the model",
    says="one scale or several; 1: no uncond branch",
    wants="numbers like 1,3,4.5",
)
CAPTURE = FormOption(
    "--capture",
    "STEP,…",
    "denoising steps to record, 0 the noisiest (default: first, quarters, last)",
    numbers(int),
    label="captured",
    unless="first, quarters, last",
    says="steps to keep of those run, 0 first",
    wants="steps like 0,5,19",
)
BATCH_SIZE = FormOption(
    "--batch-size",
    "N",
    "images per batch (default: as many as fit)",
    int,
    label="batch size",
    unless="fits the device",
    says="images at a time",
    wants=_WHOLE,
)
TOKENS = FormOption(
    "--tokens",
    "T",
    "also keep T single tokens of each image and block (default: none; 16 without T)",
    int,
    const=16,
    more="the disk space that the features need with and without them is printed first",
    label="tokens",
    unless="none",
    says="single tokens to keep of each image and block",
    wants=_WHOLE,
)
_MOMENTS = Option(
    "--moments",
    "L[,L…]",
    "also record sums over all tokens of each class at these layers, for steering (default: none; all without L)",
    lambda text: () if text == "all" else layer_numbers(text),
    const="all",
    more="for when `--tokens` would take too much disk: wide models need thousands of tokens per class. The "
    "sums of one class, layer and captured step take 16 d² bytes on disk and in memory (21 MB at d = 1152); "
    "the total is printed first, and the recording is refused if that much is not free",
)
NAME = FormOption(
    "--name",
    "NAME",
    "name of the session (default: model and time)",
    label="name",
    unless="model and time",
    says="of the session",
)
MODEL = FormOption(
    "--model",
    "ID|PATH|demo",
    "hub id, folder, demo or demo-mmdit, or a file with --components-from (default: %(default)s)",
    default="demo",
    label="model",
    says="demo, demo-mmdit, a folder or an id on the hub",
)
DEVICE = FormOption(
    "--device",
    "D",
    "cpu, cuda, cuda:1, … (default: a GPU if there is one)",
    label="device",
    unless="a GPU if any",
    says="cpu, cuda, cuda:1, …",
)
DTYPE = FormOption(
    "--dtype",
    "T",
    "float32, bfloat16 or float16 (default: bfloat16 on a GPU that supports it, else float32)",
    label="dtype",
    unless="fits the device",
    says="float32, bfloat16, float16",
)
SIZE = FormOption(
    "--size",
    "WxH",
    "width and height of the pictures in pixels (default: the pipeline's)",
    size,
    more="passed as `width` and `height` to the pipeline; if it produces another size, a line says so",
    label="size",
    unless="the pipeline's",
    says="width and height in pixels",
    wants="a size like 1024x768",
)
NEGATIVE = FormOption(
    "--negative",
    "TEXT",
    "negative prompt, for the unconditional branch of all images (default: the pipeline's)",
    label="negative",
    unless="the pipeline's",
    says="negative prompt of all images",
)
CALL = Option(
    "--call",
    "NAME=VALUE",
    "a further argument for the pipeline's call, such as num_frames=17; may be repeated",
    named_value,
    action=Gathered,
    more="the same for all images. The value is a number, `true`, `false`, `none`, a list such as "
    "`[0.9, 0.5]` or an object such as `'{\"scale\": 0.7}'`; anything else is text, as is anything in double "
    "quotes, `'\"17\"'`",
)
LAYERS = FormOption(
    "--layers",
    "A-B[,…]",
    "record only these blocks, 0 the first that runs (default: all)",
    layer_numbers,
    more="`doctor --model` lists them, numbered across all lists of blocks. Screens and tables keep these numbers",
    label="layers",
    unless="all",
    says="blocks to record, as 0-3,10",
    wants="blocks like 0-3,10",
)
IMAGE = FormOption(
    "--image",
    "PATH",
    "picture that all images start from, or a folder with one for each prompt",
    path,
    more="passed as `image` to the pipeline, or to diffusers' image-to-image pipeline with the same "
    "components, as is `--call strength=0.6`. The files of a folder are used in the order of their names, "
    "and must all have the same size",
    label="image",
    unless="none: from text alone",
    says="a picture to start from, or a folder with one per prompt",
)
# The fields of the new-run form; one is checked with those before it.
FIELDS = (
    *(MODEL, PROMPTS, SEEDS, STEPS, GUIDANCE, CAPTURE, LAYERS, TOKENS),
    *(SIZE, NEGATIVE, IMAGE, DEVICE, DTYPE, BATCH_SIZE, NAME),
)

PRESET = Option(
    "--preset",
    "NAME",
    "the article's experiment: article, or article-sweep for its 4 steps × 3 guidance scales",
    choices=("article", "article-sweep"),
    more="25 subjects × 20 seeds, 20 steps, with any model: the shipped prompt set whose words it knows. "
    "It captures steps 0, 5, 10, 15 and 19; the sweep captures steps 5, 10, 15 and 19 at guidance 2, 4.5 "
    "and 7.5 (the article does not name its scales). Other options on the command line override it",
)

# Of `record` and `demo`, in this order.
RECORDING = (
    PRESET,
    PROMPTS,
    SEEDS,
    STEPS,
    GUIDANCE,
    CAPTURE,
    LAYERS,
    BATCH_SIZE,
    TOKENS,
    _MOMENTS,
    NAME,
    switch("--headless", "record here without the app; progress on stderr"),
    switch("--random-init", "untrained weights, as a control"),
    switch(
        "--with-control",
        "afterwards record the same with random weights, as NAME~control",
        more="`report` judges it alongside the session; `--resume NAME` resumes both",
    ),
    switch(
        "--compile",
        "compile each block first: slower to start, then faster",
        more="with torch's default backend, when the blocks first run; every block is still captured",
        dest="compiled",
    ),
    switch(
        "--allow-nonfinite",
        "record images with NaN or infinite features instead of stopping, and mark them (repeat it with "
        "--resume)",
    ),
    Option(
        "--seeds-per-subject",
        None,
        "whether all prompts share the same initial noise (default: %(default)s)",
        default="shared",
        choices=("shared", "independent"),
    ),
)
DEVICES = (DEVICE, DTYPE)
# How the pipeline is called and changed.
PIPELINE = (
    SIZE,
    NEGATIVE,
    CALL,
    IMAGE,
    Option(
        "--input",
        "NAME=PATH",
        "another input picture for the pipeline's call, or a video as a folder of frames; may be repeated",
        named_path,
        action=Gathered,
        dest="inputs",
        more="the same for all images: `--input control_image=pose.png` for a ControlNet, "
        "`--image room.png --input mask_image=mask.png` for inpainting, `--input video=FRAMES/` for "
        "video-to-video, where a text-to-video pipeline is replaced by diffusers' video-to-video pipeline with "
        "the same components. Frames are used in the order of their names",
    ),
    Option(
        "--scheduler",
        "CLASS",
        "diffusers scheduler to use instead of the pipeline's own, such as EulerDiscreteScheduler",
        more="with the configuration of the pipeline's scheduler",
    ),
    Option(
        "--lora",
        "PATH[:WEIGHT]",
        "a LoRA and its weight (default: 1); may be repeated",
        weighted_path,
        action="append",
        dest="loras",
        more="a safetensors file, or a folder in which diffusers saved one; needs peft. A LoRA that does not "
        "fit the model or changes nothing is refused",
    ),
    Option(
        "--quantize",
        "HOW",
        "quantise the denoiser while it loads: int8 (torchao), bnb-int8 or bnb-nf4 (bitsandbytes, on CUDA)",
        choices=QUANTIZATIONS,
        more="weights only; needs `pip install torchao`, or bitsandbytes. A transformer in a GGUF file is "
        "given as the model itself, `--model FILE.gguf --components-from ID|PATH`, and needs `pip install gguf`",
    ),
    Option(
        "--offload",
        "HOW",
        "keep weights on the host; bring components (model) or layers (group) to the device as they run",
        choices=("model", "group"),
        more="for models that do not fit into device memory; slower",
    ),
)
SOURCE = (
    Option(
        "--revision",
        "R",
        "branch, tag or commit of the hub repository",
        more="the commit that was loaded is stored in the session, and `--resume` loads it again",
    ),
    Option(
        "--variant",
        "V",
        "variant of the weight files, such as fp16",
        more="the transformer must have it; other components that do not are loaded from files without a variant",
    ),
    Option(
        "--components-from",
        "ID|PATH",
        "where to find the text encoder, VAE and scheduler of a model that is only a transformer or UNet",
        more="the tokenizer too: `--model PixArt-alpha/PixArt-XL-2-256x256 --components-from "
        "PixArt-alpha/PixArt-XL-2-512x512`, or `PixArt-Sigma-XL-2-512-MS` with those of "
        "`PixArt-Sigma-XL-2-1024-MS`. The weights are looked for in a folder `transformer`; `--revision` "
        "and `--variant` apply to `--model`. The other components are loaded from files without a variant, or "
        "from those of a variant if there are no others. `--model` may also be a single safetensors or GGUF "
        "file with the weights of a transformer or UNet; its configuration must then be in the folder of that "
        "name there",
    ),
)
RESUME = Option("--resume", "SESSION", "resume a recording that was stopped or killed", path)
ALLOW_PICKLE = switch(
    "--allow-pickle",
    "also load pickled weights, which can run any code: only if you trust them",
    more="sharded or not, where there are no safetensors. The option is not stored in the session: repeat it "
    "with `--resume`",
)
