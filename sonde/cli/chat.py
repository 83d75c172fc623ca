"""`sonde chat RUN`: an interactive session with a trained language model."""

import sys
from collections.abc import Sequence

from sonde.cli.begin import begin, trained_run
from sonde.cli.generate import SamplingOptions
from sonde.core.errors import DataError

ABOUT = """\
Type a line, and the best checkpoint of RUN continues the whole text so far. An empty line lets it continue without input;
Ctrl-D (end of input) or Ctrl-C quits.

examples:
  sonde chat runs/tinyshakespeare-modern-gpt-1
  sonde chat runs/tinyshakespeare-modern-gpt-1 --tokens 80 --temperature 0.6
"""
SIGN = "> "


def run(words: Sequence[str]) -> int:
    """Read lines and print their continuations. Raises: SondeError subclasses."""
    begun = begin(words, SamplingOptions, usage="chat RUN", about=ABOUT)
    if begun is None:
        return 0
    trained = trained_run(begun.words[0], begun.options.device, trust_code=begun.trust_code)
    drawing = begun.options.drawing()
    begun.screen.say("write a line and press Enter; Ctrl-D or Ctrl-C leaves")
    so_far = ""
    while True:
        begun.screen.write(SIGN)
        line = sys.stdin.readline()
        if not line:
            begun.screen.write("\n")
            return 0
        try:
            pieces = trained.stream(so_far + line if line.strip() else so_far, **drawing)
            answer = ""
            for piece in pieces:
                begun.screen.write(piece)
                answer += piece
        except DataError as error:  # a character that the model never saw: the person may write the line again
            begun.screen.error(error.command_line)
            continue
        begun.screen.write("\n")
        so_far += (line if line.strip() else "") + answer
        drawing["seed"] += 1  # or the same turn would be written twice
