"""`make bench`: the speed figures, each ratio from one run. Nothing fails on speed; each line says what it reached."""

from __future__ import annotations

import argparse
import json
import os

from tests.bench import bulk, checks, imports, queue_page, stage

PARTS = ("checks", "import", "queue", "bulk")


def main() -> None:
    """Run the benchmarks that were asked for and print what they found."""
    given = _parser().parse_args()
    kinds = stage.usable([given.database] if given.database else stage.DATABASES)
    sections = []
    with stage.open_stage() as bench:
        for part in given.only or PARTS:
            load = os.getloadavg()[0]
            if part == "checks":
                sections.append(checks.run(bench, kinds, given.scale, given.workers))
            elif part == "import":
                sections.append(imports.run(bench, kinds, given.scale))
            elif part == "bulk":
                sections.append(bulk.run(bench, kinds, given.scale))
            else:
                sections.append(queue_page.run(bench, kinds, given.scale))
            # Absolute figures mean little beside other work on the same cores: say how much there was.
            sections[-1].notes.append(f"{os.cpu_count()} cores, load {load:.1f} before the start")
            if not given.json:
                print(sections[-1].text(), end="\n\n", flush=True)
    if given.json:
        print(json.dumps([section.as_json() for section in sections], indent=2))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="run this one; may be given again")
    parser.add_argument("--database", choices=stage.DATABASES, help="measure on this one alone")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="size of the load, e.g. 0.05 for a look whether it runs"
    )
    parser.add_argument("--workers", type=int, default=1, help="worker processes of the checks")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    main()
