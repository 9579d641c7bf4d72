"""Pictures and videos that pipelines start from, through the recorder."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.sessions.writer import create_session
from tests.recording.test_any_pipeline import classes_in, folder_of, prompts_in, recorded, refused

pytestmark = pytest.mark.usefixtures("own_signals")


def test_images_start_from_pictures(tmp_path: Path) -> None:
    """A pipeline from text alone becomes diffusers' image-to-image one, which passes over the first steps."""
    (tmp_path / "pictures").mkdir()
    for name, shade in (("a.png", 40), ("b.png", 200)):
        Image.new("RGB", (24, 16), (shade, 255 - shade, 90)).save(tmp_path / "pictures" / name)
    request = Request(
        model=str(folder_of("sd3", tmp_path / "model")),
        prompts=prompts_in(tmp_path),
        seeds=1,
        steps=4,
        guidance=[4.0],
        image=str(tmp_path / "pictures"),
        call={"max_sequence_length": 32, "strength": 0.5},
        size=(24, 16),
    )
    each, said = recorded(tmp_path / "each", request)
    assert said == []
    assert each.manifest.model.pipeline == "StableDiffusion3Img2ImgPipeline"
    assert (each.manifest.inference_steps, each.manifest.steps) == (4, 2)
    assert [Path(image.path).name for image in each.manifest.input_images] == ["a.png", "b.png"]
    one, _ = recorded(tmp_path / "one", replace(request, image=str(tmp_path / "pictures" / "a.png")))
    first, second = (np.abs(each.features(0) - one.features(0)).max(axis=0)).tolist()
    assert first < 1e-5 < 1e-2 < second
    (tmp_path / "pictures" / "b.png").unlink()
    with pytest.raises(PlanningError, match="has 1 files for 2 prompts"):
        plan(request)
    changed = plan(replace(request, image=str(tmp_path / "pictures" / "a.png")))
    Image.new("RGB", (24, 16)).save(tmp_path / "pictures" / "a.png")
    create_session(tmp_path / "changed", changed)
    with pytest.raises(RecordingError, match=r"a\.png is not the picture it was"):
        Recorder(tmp_path / "changed").run()
    dit = {"model": str(folder_of("dit", tmp_path / "dit")), "prompts": classes_in(tmp_path)}
    words = (
        "DiTPipeline takes no image, and diffusers has no pipeline of its parts that does: leave --image out"
    )
    picture = str(tmp_path / "pictures" / "a.png")
    assert words in refused(tmp_path / "none", replace(request, **dit, image=picture, size=None, call={}))


def test_other_arguments_are_pictures_and_videos(tmp_path: Path) -> None:
    """Of a ControlNet; and a video, for which the pipeline becomes diffusers' video-to-video one."""
    (tmp_path / "frames").mkdir()
    for frame in range(9):
        Image.new("RGB", (32, 16), (28 * frame, 90, 90)).save(tmp_path / "frames" / f"{frame}.png")
    pose = str(tmp_path / "frames" / "3.png")
    request = Request(
        model=str(folder_of("sd3_controlnet", tmp_path / "model")),
        prompts=prompts_in(tmp_path),
        seeds=1,
        steps=2,
        guidance=[4.0],
        call={"max_sequence_length": 16},
        size=(24, 16),
        inputs={"control_image": pose},
    )
    one, _ = recorded(tmp_path / "one", request)
    [kept] = one.manifest.input_images
    assert (kept.argument, Path(kept.path).name) == ("control_image", "3.png")
    another = str(tmp_path / "frames" / "7.png")
    other, _ = recorded(tmp_path / "other", replace(request, inputs={"control_image": another}))
    assert np.abs(one.features(1) - other.features(1)).max() > 1e-3
    video = replace(
        request,
        model=str(folder_of("cogvideox", tmp_path / "video")),
        steps=4,
        size=(32, 16),
        call={"max_sequence_length": 16, "strength": 0.5},
        inputs={"video": str(tmp_path / "frames")},
    )
    made, _ = recorded(tmp_path / "made", video)
    assert made.manifest.model.pipeline == "CogVideoXVideoToVideoPipeline"
    assert (made.manifest.steps, len(made.manifest.input_images)) == (2, 9)
    wrong = replace(request, inputs={"video": str(tmp_path / "frames")})
    assert "takes no video, and diffusers has no pipeline of its parts" in refused(tmp_path / "no", wrong)
    with pytest.raises(PlanningError, match="is a video file: give a folder of its frames"):
        plan(replace(video, inputs={"video": "clip.mp4"}))
    with pytest.raises(PlanningError, match="say --image"):
        plan(replace(video, inputs={"image": pose}))
