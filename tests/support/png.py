"""Make pictures of screens small: a PNG of at most 256 colours, chosen so that small marks keep theirs.

The browser decodes the picture and chooses the colours, in the blank page that it is given; nothing else is needed.
"""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Page

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# A colour is taken for how often it is there, and for how far it is from those that were taken before.
_REDUCE = """async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const [width, height] = [image.naturalWidth, image.naturalHeight];
    const canvas = Object.assign(document.createElement("canvas"), {width, height});
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, width, height).data;
    const counts = new Map();
    for (let at = 0; at < pixels.length; at += 4) {
        const colour = pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2];
        counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    const colours = [...counts.keys()], often = [...counts.values()];
    const nearest = new Int32Array(colours.length), distance = new Float64Array(colours.length).fill(1e6);
    const palette = [];
    while (palette.length < Math.min(256, colours.length)) {
        let best = 0;
        for (let each = 1; each < colours.length; each += 1) {
            if (often[each] * distance[each] > often[best] * distance[best]) best = each;
        }
        const taken = colours[best];
        palette.push(taken);
        for (let each = 0; each < colours.length; each += 1) {
            const apart = [16, 8, 0].reduce((sum, bits) => {
                return sum + ((colours[each] >> bits & 255) - (taken >> bits & 255)) ** 2;
            }, 0);
            if (apart < distance[each]) [distance[each], nearest[each]] = [apart, palette.length - 1];
        }
    }
    const index = new Map(colours.map((colour, each) => [colour, nearest[each]]));
    let text = "";
    for (let at = 0; at < pixels.length; at += 4) {
        text += String.fromCharCode(index.get(pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2]));
    }
    return {width, height, palette, indices: btoa(text)};
}"""


def shrink(blank: Page, picture: bytes) -> bytes:
    """Return the same picture (PNG) with a palette of at most 256 colours, as small as zlib makes it."""
    source = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    reduced = blank.evaluate(_REDUCE, source)
    width, height = reduced["width"], reduced["height"]
    indices = base64.b64decode(reduced["indices"])
    rows = b"".join(b"\0" + indices[start : start + width] for start in range(0, width * height, width))
    palette = b"".join(colour.to_bytes(3, "big") for colour in reduced["palette"])
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Frame a chunk as PNG (ISO/IEC 15948, 5.3) has it."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
