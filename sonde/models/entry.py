"""One row of the catalogue of models."""

from typing import Literal, NamedTuple

Answer = Literal["row", "map", "boxes", "next", "text", "frames", "span", "horizon", "structure", "angles"]

NUMBERS = ("image", "table", "array")  # kinds of input that networks of numbers take


class Entry(NamedTuple):
    """One row.

    builder:    "module:function", which takes (input, out_dim, config)
    family:     the first of a family's names is its smallest network; tests train that one
    input:      shape of the row that costs are counted at, what its paper uses where that says
    parameters, flops: with 10 outputs and default settings; additions and multiplications of one forward pass in convolutions
                and matrix products. Written down because counting takes seconds and needs torch; a test counts again
    answers:    what comes out for one input: a row of logits, a map of them (those of every pixel), boxes, logits for the token
                after each (next), for a text of its own (text), for each frame of a recording (frames), where an answer
                begins and ends (span), the steps that follow (horizon), or of residues their distances or kinds (structure)
                or how each is turned (angles)
    takes:      what goes in: numbers (images, tables, flat arrays), or a kind of `sonde.core.dataset.InputKind`
    symbols:    size of the vocabulary that costs are counted with, also as outputs where tokens come out
    also:       what else it answers, by a head that the task puts on it
    reads:      other kinds of input that it takes too
    """

    builder: str
    family: str
    paper: str
    input: tuple[int, ...]
    parameters: int
    flops: int
    answers: Answer = "row"
    takes: Literal["numbers", "tokens", "audio", "series", "molecule", "protein"] = "numbers"
    symbols: int = 0
    also: tuple[Answer, ...] = ()
    reads: tuple[Literal["tokens", "series", "audio"], ...] = ()

    def accepts(self, kind: str) -> bool:
        """Whether it can be fed with such inputs."""
        return kind in NUMBERS if self.takes == "numbers" else kind == self.takes or kind in self.reads
