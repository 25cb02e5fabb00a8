#!/usr/bin/env python3
"""The applications of examples/ that need no video, on real devices with simulated sensors, lines and cameras.

usage: run.py --build FOLDER [--only NAME]...

What a test lacks makes it skipped by name. The last line is `N passed, N failed, N skipped`.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "orchestrator"))
sys.path.insert(0, HERE)

from fleet import Guests  # noqa: E402  pylint: disable=wrong-import-position
import suite  # noqa: E402  pylint: disable=wrong-import-position

if __name__ == "__main__":
    sys.exit(suite.main(["test_examples"], {"supervisor": "isomer-supervisor", "client": "isomer-client",
                                            "orchestrator": "isomer-orchestrator"}, Guests, "examples-guests"))
