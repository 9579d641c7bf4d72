"""What of its prompts a model does not read, and prompts that are the same to it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import PixArtSigmaPipeline
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from subspacelens_tui import demo
from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.models.text_readers import TextReader
from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.recording.conditioning import encode_prompts
from subspacelens_tui.recording.distributed import Rank
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.prompt_checks import read_prompts
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.sessions import Phase, open_session
from subspacelens_tui.sessions.format import ImageInfo, Manifest, ModelInfo, Prompt, UnreadText
from subspacelens_tui.sessions.prompt_problems import unread_lines
from tests.recording.conftest import Loaded, Planned

pytestmark = pytest.mark.usefixtures("own_signals")

MANY_WORDS = "a lion" + " on a green island" * 40


def manifest_of(*texts: str) -> Manifest:
    return Manifest(
        created="2026-11-23T12:00:00+00:00",
        model=ModelInfo(id="demo"),
        prompt_set="few",
        prompts=[Prompt(text=text, labels={"fine": str(n)}) for n, text in enumerate(texts)],
        images=[ImageInfo(prompt=n, seed=0, guidance=3) for n in range(len(texts))],
        steps=3,
        capture_steps=[0],
        guidance=[3],
    )


def read(loaded: Loaded, *texts: str) -> list[UnreadText]:
    copied = loaded.with_other()  # its encoder is let go
    encoded = encode_prompts(copied.call, texts, [3.0], [], torch.device("cpu"))
    return read_prompts(encoded.readers, manifest_of(*texts))


def prompt_set(folder: Path, *texts: str) -> str:
    path = folder / "prompts.toml"
    lines = [
        f'[[prompts]]\ntext = {json.dumps(text)}\nlabels = {{ fine = "{n}" }}\n'
        for n, text in enumerate(texts)
    ]
    path.write_text('name = "few"\nschemes = ["fine"]\n' + "".join(lines))
    return str(path)


def test_what_the_bundled_prompts_say_is_read_in_full(loaded: Loaded) -> None:
    assert read(loaded, *(prompt.text for prompt in plan(Request(seeds=1)).prompts)) == []


def test_a_prompt_that_is_cut_is_named_with_the_place(loaded: Loaded) -> None:
    texts = ("a lion", MANY_WORDS, "A car" + MANY_WORDS[6:])
    found = read(loaded, *texts)
    assert [(unread.prompt, unread.tokens, unread.limit) for unread in found] == [
        (1, 163, 120),
        (2, 163, 120),
    ]
    # 119 words and the end of the text.
    assert found[0].kept_text == " ".join(MANY_WORDS.split()[:119])
    lines = list(unread_lines(manifest_of(*texts).model_copy(update={"unread_text": found})))
    assert lines[0] == (
        "prompt 2 ('a lion on a green island on … island on a green island') is cut at 120 of its 163 "
        "tokens: the model reads nothing after '… island on a green island on'"
    )
    assert len(lines) == 2


def test_what_is_cut_is_what_the_model_is_given(loaded: Loaded) -> None:
    (unread,) = read(loaded, MANY_WORDS)
    texts = [MANY_WORDS, unread.kept_text or ""]
    given = encode_prompts(loaded.with_other().call, texts, [3.0], [], torch.device("cpu"))
    assert given.digests[0] == given.digests[1]


def test_another_pipeline_has_its_own_limit(loaded: Loaded) -> None:
    assert read(loaded.with_other(PixArtSigmaPipeline), MANY_WORDS) == []  # it reads 300 tokens


def test_a_tokenizer_of_parts_of_words(loaded: Loaded) -> None:
    """Where a word is cut in the middle, the text that is read ends before it."""
    characters = Tokenizer(
        models.BPE({"</s>": 0, "<unk>": 1} | {c: n for n, c in enumerate("abn ", 2)}, [], unk_token="<unk>")
    )
    characters.pre_tokenizer = pre_tokenizers.Split(" ", "isolated")
    characters.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 0)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=characters, unk_token="<unk>", eos_token="</s>")
    reader = TextReader(tokenizer, 10, str.strip)
    (cut, without_words, unknown) = read_prompts(
        [reader], manifest_of("ban banana", "banananananana", "ban é nab")
    )
    assert (cut.kept_text, cut.tokens, cut.limit) == ("ban", 11, 10)
    assert without_words.kept_text == "banananan"
    assert unknown == UnreadText(prompt=2, unknown=["é"])


def test_words_that_the_vocabulary_lacks_are_named(loaded: Loaded) -> None:
    texts = ("a castle of sand", "a lion", "a car, very (very) fast")
    found = read(loaded, *texts)
    assert [(unread.prompt, unread.unknown) for unread in found] == [
        (0, ["castle", "of", "sand"]),
        (2, ["very", "fast"]),
    ]
    many = [UnreadText(prompt=0, unknown=[str(n) for n in range(9)])] * 7
    lines = list(unread_lines(manifest_of(*texts).model_copy(update={"unread_text": many})))
    assert lines[0] == (
        "prompt 1 ('a castle of sand') has words that the model's vocabulary lacks: "
        "'0', '1', '2', '3', '4', '5' and 3 more"
    )
    assert lines[5:] == ["2 more prompts have unknown words (session.json lists them)"]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (
            (MANY_WORDS + " red", "a car", MANY_WORDS + " blue", MANY_WORDS),
            "the same to this model (so is 1 more): it reads 120 tokens, and they do not differ before that",
        ),
        (
            ("a castle of sand", "a castle of glass"),
            "prompt 1 ('a castle of sand') and prompt 2 ('a castle of glass') are the same to this model: "
            "its vocabulary lacks 'castle', 'of', 'sand', 'glass'. Change one of them, or leave it out",
        ),
        (("a lion", "A  Lion!"), "are the same to this model: its tokenizer makes the same tokens of both"),
        (("", "  "), "prompt 1 ('') and prompt 2 ('  ') are the same to this model"),
        (("a lion", "..."), "prompt 2 ('...') is the same to this model as no prompt at all"),
    ],
)
def test_prompts_that_are_the_same_to_the_model_are_refused(
    loaded: Loaded, texts: tuple[str, ...], says: str
) -> None:
    with pytest.raises(RecordingError) as raised:
        read(loaded, *texts)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_empty_prompt_may_be_meant(loaded: Loaded) -> None:
    assert read(loaded, "a lion", "") == []
    (line,) = unread_lines(manifest_of("a lion", ""))
    assert line == "prompt 2 is empty: with it the conditional branch is the unconditional one"


def test_a_refused_set_records_nothing(planned: Planned, tmp_path: Path) -> None:
    folder = planned(prompts=prompt_set(tmp_path, "a castle of sand", "a castle of glass"))
    with pytest.raises(RecordingError, match="are the same to this model"):
        Recorder(folder).run()
    session = open_session(folder)
    assert session.state.phase is Phase.FAILED
    assert "'a castle of sand'" in session.state.detail
    assert session.files == []


def test_an_encoder_that_does_not_tell_prompts_apart_is_refused(planned: Planned, tmp_path: Path) -> None:
    shutil.copytree(demo.MODEL_PATH, tmp_path / "model")
    path = tmp_path / "model" / "text_encoder" / "model.safetensors"
    weights = load_file(path)
    weights["shared.weight"][15:] = 0
    save_file(weights, path, metadata={"format": "pt"})
    folder = planned(model=str(tmp_path / "model"), prompts=prompt_set(tmp_path, "a lion", "a car"))
    with pytest.raises(RecordingError, match=r"prompt 1 \('a lion'\) and prompt 2 \('a car'\) get the same"):
        Recorder(folder).run()


def test_what_is_not_read_is_said_once_and_kept(planned: Planned, tmp_path: Path) -> None:
    texts = ("a castle of sand", MANY_WORDS)
    folder = planned(prompts=prompt_set(tmp_path, *texts), batch_size=1)
    told: dict[int, list[str]] = {0: [], 1: []}
    # The ranks one after the other: each records what the other has left.
    for index in (1, 0):
        recorder = Recorder(folder, Rank(index, 2, index), on_note=told[index].append)
        recorder.run()
        if index == 1:
            for path in (folder / "features").iterdir():
                path.unlink()
    session = open_session(folder)
    assert [unread.prompt for unread in session.manifest.unread_text] == [0, 1]
    lines = list(unread_lines(session.manifest))
    assert [line.split(" (")[0] for line in lines] == ["prompt 2", "prompt 1"]
    assert told == {0: lines, 1: []}
    notes = [(event["rank"], event["reason"]) for event in session.log if event["event"] == "note"]
    assert notes == [(0, line) for line in lines]
    result = Analyzer(session).result(Settings())
    assert set(lines) <= set(result.notes)


def test_a_copy_of_the_bundled_model_is_given_prompts_that_it_can_tell_apart(tmp_path: Path) -> None:
    shutil.copytree(demo.MODEL_PATH, tmp_path / "model")
    assert plan(Request(model=str(tmp_path / "model"), seeds=1)).prompt_set == "demo"
    tokenizer: Any = json.loads((tmp_path / "model" / "tokenizer" / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["cathedral"] = len(tokenizer["model"]["vocab"])
    (tmp_path / "model" / "tokenizer" / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert plan(Request(model=str(tmp_path / "model"), seeds=1)).prompt_set == "subjects-25"
