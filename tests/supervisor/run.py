#!/usr/bin/env python3
"""The supervisor as its users and other programs see it.

usage: run.py --build FOLDER [--only NAME]... [--full]

FOLDER has isomer, isomer-supervisor and isomer-client. What a test lacks makes it skipped by name. The
last line is `N passed, N failed, N skipped`.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from device import Guests  # noqa: E402  pylint: disable=wrong-import-position
import suite  # noqa: E402  pylint: disable=wrong-import-position

FILES = ["test_calls", "test_access", "test_lifecycle", "test_owner", "test_client", "test_hostile", "test_machines",
         "test_interop", "test_network", "test_simulated"]


if __name__ == "__main__":
    sys.exit(suite.main(FILES, {"supervisor": "isomer-supervisor", "client": "isomer-client"}, Guests,
                        "supervisor-guests"))
