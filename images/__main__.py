"""`python3 -m images`: builds the images that have changed; what it prints last is for `python3 -m localkube load`."""

import argparse
import os
import sys
import time
from collections.abc import Sequence

from images.build import build
from images.catalog import PRODUCT, TEST
from images.commands import ImagesError


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m images", description=__doc__)
    parser.add_argument(
        "--base",
        choices=("local", "public"),
        default=os.environ.get("HOLDFAST_BASE", "local"),
        help="local: make debian:trixie-slim from Debian's packages and fetch Python packages on this machine "
        "(default, or as $HOLDFAST_BASE says); public: pull from the public registry, and let pip fetch in the build",
    )
    parser.add_argument("--test-images", action="store_true", help="build the images of tests and examples instead")
    parser.add_argument("--fresh", action="store_true", help="forget base image and layers first")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    options = arguments(argv)
    start = time.monotonic()
    try:
        archives = build(TEST if options.test_images else PRODUCT, public=options.base == "public", fresh=options.fresh)
    except ImagesError as error:
        print(error, file=sys.stderr)
        return 1
    for archive in archives:
        print(f"{archive}  {archive.stat().st_size / 1e6:.0f} MB")
    print(f"images: {time.monotonic() - start:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
