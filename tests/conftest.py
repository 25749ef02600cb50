"""What every test may count on."""

import signal
from pathlib import Path

from flask import Flask
from jinja2 import FileSystemBytecodeCache

# Where the tests are started in the background, Ctrl-C is ignored by them and by all that they
# start; but what an interruption does is among the things that are tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Each test makes an application, and an application compiles its templates: once is enough.
COMPILED = Path(__file__).parents[1] / ".pytest_cache" / "templates"
COMPILED.mkdir(parents=True, exist_ok=True)
Flask.jinja_options = {
    **Flask.jinja_options,
    "bytecode_cache": FileSystemBytecodeCache(str(COMPILED)),
}
