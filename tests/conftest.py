"""What every test may count on."""

import signal

# Where the tests are started in the background, Ctrl-C is ignored by them and by all that they
# start; but what an interruption does is among the things that are tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
