#!/usr/bin/env python3
"""The orchestrator with real supervisors, as its users and other programs see it.

usage: run.py --build FOLDER [--only NAME]... [--full]

FOLDER has isomer and its siblings. What a test lacks makes it skipped by name. The last line is
`N passed, N failed, N skipped`.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from fleet import Guests  # noqa: E402  pylint: disable=wrong-import-position
import suite  # noqa: E402  pylint: disable=wrong-import-position

FILES = ["test_apps", "test_api", "test_devices", "test_faults", "test_life", "test_moves", "test_sources"]
if "--full" in sys.argv:
    FILES.append("test_patience")

if __name__ == "__main__":
    sys.exit(suite.main(FILES, {"supervisor": "isomer-supervisor", "client": "isomer-client",
                                "orchestrator": "isomer-orchestrator"}, Guests, "orchestrator-guests"))
