"""The words from which the sample's names are made."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DOMAIN_STARTS = _words("brel cald dorn ester fenn garl hask iven jorl kest lum marr nev orl pell quor rask sorl tamb")
DOMAIN_ENDS = _words("wick mere lith vale stow brook dane field garth holt mark nook rane shaw tarn vik wald yard")
DOMAIN_TAILS = _words("labs works soft studio systems code data tools digital mail group")
FIRST_NAMES = _words("ada bram cleo dario edda femke goran hanne ilse jonas kaia lior mira nils oona pavel rosa tova")
LAST_NAMES = _words("ashdown brandvik coster dorrin eikeland farrow grubel holm iversen jarrow kestrel lorne norrby")
PACKAGE_STARTS = _words(
    "kite moth pebble rivet thimble lantern gully spindle acorn marble quill tinder bramble saddle"
)
PACKAGE_ENDS = _words("json yaml http cache queue retry color table graph token parse async merge trace vault schema")
