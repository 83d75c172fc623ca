"""What a decoder's outputs say of a row of a table: numbers, categories, gaps and dates, each by its own distribution."""

import math
from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.nn.column_code import UNSEEN, ColumnCode
from sonde.tasks.vae.alone import NARROWEST, Alone, columns_alone

NARROW = 0.05  # deviations, below which a density is as good as the same in the middle of its cell
TINY = 1e-30
ROUNDS = 30  # of the search for the likeliest mean and deviation
RARE = 1e-6  # of a uniform number, off which logarithms are kept

# B rows, F columns, W numbers of a code, N of them numbers of the table


class Columns(nn.Module):
    """Of codes (`ColumnCode`): numbers with normal noise of a learned deviation each, on the scale on which they are bent; a
    category by its probabilities, of more than 16 values by those of its bits, and so is a gap. A number that is missing says
    nothing. One that is rounded is as likely as the noise is to end where it is rounded to it: so a number of few values, such as
    0 and 1 or a count, has probabilities of its own for each (an ordered probit model, McCullagh 1980, J. R. Stat. Soc. B 42).

    Source of the deviations: Rybkin, Daniilidis and Levine 2020, arXiv:2006.13202
    """

    def __init__(self, input: InputSpec) -> None:
        super().__init__()
        self.code = ColumnCode(input.columns)
        numbers, *_ = self.code.places
        self.log_deviation = nn.Parameter(torch.zeros(len(numbers)))

    @property
    def deviation(self) -> Tensor:
        """(N,)."""
        return self.log_deviation.clamp(min=NARROWEST).exp()

    def target(self, input: Tensor, index: Tensor | None) -> Tensor:
        """(B, F) -> the code, and behind it which categories no training row had, and the cells that numbers are rounded in."""
        return torch.cat([self.code.encode(input), self.code.unseen(input), self.code.cells(input).flatten(1)], 1)

    def fed(self, target: Tensor) -> Tensor:
        """The code as the encoder is fed it, (B, W)."""
        return target[:, : self.code.width]

    def log_probability(self, output: Tensor, target: Tensor) -> Tensor:
        """(B,) nats of rows under outputs (B, W); of numbers a density in standard deviations of the training rows."""
        return -self.each(output, target).sum(1)

    def alone(self, targets: Iterable[Tensor]) -> Alone:
        """See `columns_alone`; without any rows bent numbers are normal, and values of a category alike."""
        kept = list(targets)
        codes = [self.fed(each) for each in kept]
        if not codes:
            return Alone(torch.zeros(self.code.width), torch.ones(len(self.log_deviation)))
        return self._refined(columns_alone(self.code, torch.cat(codes)), torch.cat(kept))

    def each(self, output: Tensor, target: Tensor, deviation: Tensor | None = None) -> Tensor:
        """Minus that by column (B, F): 0 for parts of a date, which follow from its time. deviation: in place of the learned"""
        deviation = self.deviation if deviation is None else deviation
        numbers, gaps, patterns = self.code.parts(self.fed(target))
        said, said_gaps, said_patterns = self.code.parts(output)
        nats = self._of_numbers(numbers, said, deviation, target)
        found = output.new_zeros(len(output), len(self.code.columns))
        of_numbers, of_gaps, of_categories = self.code.places
        found[:, of_numbers] = torch.where(self.code.absent(gaps), 0, nats)
        found[:, of_gaps] = F.softplus(-gaps * said_gaps)
        unseen = target[:, self.code.width :]
        for at, (place, true, logits) in enumerate(zip(of_categories, patterns, said_patterns, strict=True)):
            if self.code.one_hot[at]:
                surprise = F.cross_entropy(logits, true.argmax(1), reduction="none")
            else:
                surprise = F.softplus(-true * logits).sum(1)
            found[:, place] = surprise - UNSEEN * unseen[:, at]
        return found

    def _of_numbers(self, numbers: Tensor, said: Tensor, deviation: Tensor, target: Tensor) -> Tensor:
        """(B, N) minus the log-density of numbers, or of where they are rounded in; in standard deviations of training rows."""
        width = self.code.widths.to(numbers)
        low, high = ((each - said) / deviation for each in target[:, -2 * len(width) :].unflatten(1, (2, -1)).unbind(1))
        standard = (numbers - said) / deviation
        density = standard.square() / 2 + deviation.log() + math.log(2 * math.pi) / 2 - self.code.log_slopes(numbers)
        narrow = high - low < NARROW
        between = _log_between(low, torch.where(narrow, low + NARROW, high))
        return torch.where(narrow, density, width.clamp(min=TINY).log() - between)

    def _refined(self, found: Alone, target: Tensor) -> Alone:
        """The same with the means and deviations under which rounded numbers are likeliest."""
        numbers = len(found.deviation)
        if not numbers or not bool((self.code.widths > 0).any()):
            return found
        learned = [found.output[:numbers].clone().requires_grad_(), found.deviation.log().requires_grad_()]
        optimizer = torch.optim.LBFGS(learned, max_iter=ROUNDS, line_search_fn="strong_wolfe")
        codes = target.cpu()
        known = ~self.code.absent(self.code.parts(self.fed(codes))[1])

        def nats() -> Tensor:
            optimizer.zero_grad()
            mean, deviation = learned[0].expand(len(codes), -1), learned[1].clamp(min=NARROWEST).exp()
            lost = (self._of_numbers(codes[:, :numbers], mean, deviation, codes) * known).sum() / len(codes)
            lost.backward()
            return lost

        with torch.enable_grad():
            optimizer.step(nats)  # type: ignore[arg-type]
        mean, log_deviation = (each.detach() for each in learned)
        output = torch.cat([mean, found.output[numbers:]])
        return Alone(output, log_deviation.clamp(min=NARROWEST).exp())

    def mean(self, output: Tensor) -> Tensor:
        """The likeliest row, (B, F)."""
        return self.code.decode(output)

    def drawn(self, output: Tensor, noise: Callable[[tuple[int, ...]], Tensor]) -> Tensor:
        """A row by chance, noise and all, of values that a row of the table could have."""
        numbers, gaps, patterns = self.code.parts(output)
        parts = [numbers + self.deviation * noise(tuple(numbers.shape)), gaps + _logistic(noise(tuple(gaps.shape)))]
        for at, logits in enumerate(patterns):
            uniform = _uniform(noise(tuple(logits.shape)))
            # the largest of logits with Gumbel noise, and the sign of a bit with logistic noise, have their probabilities
            parts.append(logits - (-uniform.log()).log() if self.code.one_hot[at] else logits + torch.logit(uniform))
        return self.code.decode(torch.cat(parts, 1))


def _log_between(low: Tensor, high: Tensor) -> Tensor:
    """log(Φ(high) - Φ(low)), exact in both tails."""
    turned = low > 0
    low, high = torch.where(turned, -high, low), torch.where(turned, -low, high)
    above = torch.special.log_ndtr(high)
    return above + torch.log1p(-(torch.special.log_ndtr(low) - above).exp())


def _uniform(noise: Tensor) -> Tensor:
    return torch.special.ndtr(noise).clamp(RARE, 1 - RARE)


def _logistic(noise: Tensor) -> Tensor:
    return torch.logit(_uniform(noise))
