"""Rows of a table whose columns are numbers and categories, as a network reads them and as it gives them back."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec

# B rows, F features, W outputs: one for each number, one for each category of a column and one for none (code 0)


class MixedColumns(nn.Module):
    """(B, F) with codes of categories as floats -> (B, W), numbers as they are and categories one-hot; numbers come first.

    Without columns of categories nothing changes: F = W.
    """

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        shape = spec.shape
        self.sizes = [len(column.categories) + 1 for column in spec.columns if column.kind == "category"]
        codes = [place for place, column in enumerate(spec.columns) if column.kind == "category"]
        numbers = [place for place in range(shape[0]) if place not in codes] if codes else []
        self.register_buffer("numbers", torch.tensor(numbers, dtype=torch.long), persistent=False)
        self.register_buffer("codes", torch.tensor(codes, dtype=torch.long), persistent=False)
        self.numbers: Tensor
        self.codes: Tensor
        self.mixed = bool(codes)
        self.out = (len(numbers) + sum(self.sizes),) if codes else shape

    def forward(self, input: Tensor) -> Tensor:
        """(B, F) -> (B, W); inputs of other shapes stay as they are."""
        if not self.mixed:
            return input
        hot = [F.one_hot(self._code(input, n), size).to(input.dtype) for n, size in enumerate(self.sizes)]
        return torch.cat([input.index_select(1, self.numbers), *hot], 1)

    def parts(self, output: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
        """(B, W) -> the numbers (B, N), and for each column of categories its logits (B, K)."""
        if not self.mixed:
            return output, ()
        numbers, *logits = output.split([len(self.numbers), *self.sizes], 1)
        return numbers, logits

    def joined(self, numbers: Tensor, categories: Sequence[Tensor]) -> Tensor:
        """What belongs to the numbers (B, N) and to each column of categories (B,), in the order of the columns (B, F)."""
        if not self.mixed:
            return numbers
        found = numbers.new_empty(len(numbers), len(self.numbers) + len(self.sizes))
        found[:, self.numbers] = numbers
        for place, each in zip(self.codes.tolist(), categories, strict=True):
            found[:, place] = each.to(found.dtype)
        return found

    def errors(self, output: Tensor, input: Tensor) -> Tensor:
        """How far outputs (B, W) are from rows (B, F), value by value: squared error, of a category its cross-entropy in nats."""
        if not self.mixed:
            return (output - input).square()
        numbers, logits = self.parts(output)
        return self.joined((numbers - input[:, self.numbers]).square(), self.surprise(logits, input))

    def surprise(self, logits: Sequence[Tensor], input: Tensor) -> list[Tensor]:
        """Cross-entropies of the columns of categories in rows (B, F), (B,) each, in nats."""
        return [F.cross_entropy(each, self._code(input, n), reduction="none") for n, each in enumerate(logits)]

    def values(self, output: Tensor) -> Tensor:
        """(B, W) -> (B, F): numbers as they are, of each column of categories the code of the likeliest."""
        numbers, logits = self.parts(output)
        return self.joined(numbers, [each.argmax(1) for each in logits])

    def _code(self, input: Tensor, number: int) -> Tensor:
        return input[:, int(self.codes[number])].long().clamp(0, self.sizes[number] - 1)
