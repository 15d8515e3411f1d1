"""Pictures of screens are made small without losing what matters on them."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import Page

from tests.support.png import SIGNATURE, shrink

pytestmark = pytest.mark.browser

LOOK = """async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), {width: image.width, height: image.height});
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return [image.width, image.height, [...context.getImageData(0, 0, 1, 1).data], [...context.getImageData(2, 1, 1, 1).data]];
}"""
DRAWN = """() => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 640, height: 400});
    const context = canvas.getContext("2d");
    for (let x = 0; x < 640; x += 1) {
        for (let y = 0; y < 200; y += 1) {
            context.fillStyle = `rgb(${x % 256}, ${y}, 100)`;
            context.fillRect(x, y, 1, 1);
        }
    }
    context.fillStyle = "#ff00ff";
    context.fillRect(0, 0, 1, 1);
    context.fillStyle = "#00ff00";
    context.fillRect(2, 1, 1, 1);
    return canvas.toDataURL("image/png").split(",")[1];
}"""


def test_a_picture_becomes_small_and_its_smallest_marks_keep_their_colours(page: Page) -> None:
    drawn = base64.b64decode(page.evaluate(DRAWN))
    small = shrink(page, drawn)
    assert small.startswith(SIGNATURE)
    source = f"data:image/png;base64,{base64.b64encode(small).decode()}"
    assert page.evaluate(LOOK, source) == [640, 400, [255, 0, 255, 255], [0, 255, 0, 255]]
