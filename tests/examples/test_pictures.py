"""The measures, the decisions and the contact sheet of the examples; no ComfyUI is needed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image


def stripes(height: int = 96, width: int = 96, low: float = 0.1, high: float = 0.9):
    picture = torch.full((1, height, width, 3), low)
    picture[:, :, ::8] = high
    picture[:, :, 1::8] = high
    return picture


def test_a_sharp_picture_of_full_contrast_meets_its_goals(pictures):
    measures = pictures.measure(stripes())
    assert (measures.contrast, measures.detail, measures.smooth) == (1, 1, 1)
    assert measures.score == 1


def test_noise_lowers_smoothness_only_and_low_contrast_lowers_contrast(pictures):
    measure = pictures.measure
    noise = torch.from_numpy(np.random.default_rng(0).normal(0, 0.05, (1, 96, 96, 3)))
    noisy = measure((stripes() + noise.float()).clamp(0, 1))
    assert noisy.smooth < 0.3 and noisy.contrast == 1
    pale = measure(stripes(low=0.4, high=0.6))
    assert 0.2 < pale.contrast < 0.35 and pale.smooth == 1


@pytest.mark.parametrize("shape", [(1, 16, 16, 3), (1, 16, 900, 3), (3, 40, 20, 3)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_uniform_picture_has_measures(pictures, shape, value):
    measures = pictures.measure(torch.full(shape, value))
    assert (measures.contrast, measures.detail, measures.smooth) == (0, 0, 1)
    assert measures.brightness == pytest.approx(value, abs=1e-5)


def test_the_weakest_measure_decides_which_workflow_is_next(examples):
    measures, decide = examples._pictures.Measures, examples.refine_image.decide
    workflow, values = decide(measures(0.5, contrast=0.8, detail=0.8, smooth=0.3))
    assert workflow.stem == "soften"
    assert values == {"radius": 2, "amount": 0.84}
    workflow, values = decide(measures(0.5, contrast=0.5, detail=0.9, smooth=0.95))
    assert workflow.stem == "enhance"
    assert values == {"detail": 0.006, "tone": "overlay", "tone_amount": 0.45}


@pytest.mark.parametrize(
    ("brightness", "tone"), [(0.9, "multiply"), (0.5, "overlay"), (0.1, "screen")]
)
def test_the_tone_follows_the_brightness(examples, brightness, tone):
    now = examples._pictures.Measures(brightness, contrast=0.5, detail=0.5, smooth=1)
    assert examples.refine_image.decide(now)[1]["tone"] == tone


def test_values_of_a_decision_are_in_the_range_of_the_nodes(examples):
    for contrast in (0.0, 0.5, 1.0):
        for detail in (0.0, 0.5, 1.0):
            for smooth in (0.0, 0.39, 0.99, 1.0):
                now = examples._pictures.Measures(0.5, contrast, detail, smooth)
                _, values = examples.refine_image.decide(now)
                assert values.get("radius", 1) in (1, 2)
                assert 0 <= values.get("amount", 0) <= 1
                assert 0 <= values.get("detail", 0) <= 5
                assert 0 <= values.get("tone_amount", 0) <= 1


def test_settings_change_where_the_last_picture_was_weakest(examples):
    measures, adjust = examples._pictures.Measures, examples.text_to_image.adjust
    settings = {"positive_text": "a house", "seed": 1, "cfg": 7.0, "steps": 20}
    pale = adjust(settings, measures(0.5, contrast=0.2, detail=0.9, smooth=0.9))
    assert pale == {**settings, "seed": 2, "cfg": 8.5}
    dull = adjust(settings, measures(0.5, contrast=0.9, detail=0.2, smooth=0.9))
    assert dull == {**settings, "seed": 2, "positive_text": "a house, sharp focus"}
    assert adjust(dull, measures(0.5, 0.9, 0.2, 0.9))["positive_text"] == dull["positive_text"]
    noisy = adjust(settings, measures(0.5, contrast=0.9, detail=0.9, smooth=0.2))
    assert noisy == {**settings, "seed": 2, "steps": 25}
    assert settings["seed"] == 1


@pytest.mark.parametrize("shape", [(96, 96), (16, 16), (16, 1536), (1536, 16), (600, 400)])
@pytest.mark.parametrize("count", [1, 4, 5])
def test_a_contact_sheet_shows_every_step_and_marks_the_best(pictures, tmp_path, shape, count):
    picture = stripes(*shape)
    steps = [
        pictures.Step(f"step {i}", "some settings", picture, pictures.measure(picture))
        for i in range(count)
    ]
    path = tmp_path / "sheet.png"
    pictures.contact_sheet(steps, count - 1, "A title", path)
    with Image.open(path) as sheet:
        assert sheet.format == "PNG"
        columns = min(count, 4)
        assert sheet.width == columns * (pictures.THUMB + pictures.PAD) + pictures.PAD
        colours = {colour for _, colour in sheet.convert("RGB").getcolors(1 << 24) or []}
    assert (0x5A, 0xD1, 0x9A) in colours  # the frame of the best
    assert path.stat().st_size > 2000
