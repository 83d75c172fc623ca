"""Sound as overlapping spectra, and back: also where only their magnitudes are known."""

import torch
import torch.nn.functional as F
from torch import Tensor

ROUNDS = 32
MOMENTUM = 0.99

# B rows, S samples, N samples of a frame, F frames, K bins of a spectrum


class Spectra:
    """Waveforms (B, F * hop) <-> spectra (B, F, K) of frames under a Hann window.

    Frame f is centred on sample f * hop, and beyond both ends lies silence.
    width, hop, samples: of the window, from a frame to the next, and of the transform
    """

    def __init__(self, width: int, hop: int, samples: int) -> None:
        self.hop, self.samples = hop, samples
        before = (samples - width) // 2
        self.window = F.pad(torch.hann_window(width), (before, samples - width - before))

    def of(self, waveform: Tensor) -> Tensor:
        """(B, F * hop) float32 -> (B, F, K) complex."""
        half = self.samples // 2
        padded = F.pad(waveform, (half, self.samples - half - self.hop))
        return torch.fft.rfft(padded.unfold(1, self.samples, self.hop) * self.window.to(waveform.device))

    def inverse(self, spectra: Tensor) -> Tensor:
        """(B, F, K) complex -> (B, F * hop), whose spectra come closest by squared distance.

        Source: Griffin and Lim 1984, IEEE Transactions on acoustics, speech and signal processing 32(2), equation 6
        """
        window = self.window.to(spectra.device)
        frames = torch.fft.irfft(spectra, self.samples) * window
        weights = window.square().expand(1, *frames.shape[1:])
        return self._added(frames) / self._added(weights)

    def _added(self, frames: Tensor) -> Tensor:
        """(B, F, N) -> (B, F * hop), the sum of what frames hold of each sample."""
        number, half = frames.shape[1], self.samples // 2
        whole = F.fold(
            frames.transpose(1, 2),
            (1, (number - 1) * self.hop + self.samples),
            (1, self.samples),
            stride=(1, self.hop),
        )
        return whole[:, 0, 0, half : half + number * self.hop]


def griffin_lim(magnitude: Tensor, spectra: Spectra, *, rounds: int = ROUNDS, momentum: float = MOMENTUM) -> Tensor:
    """Magnitudes (B, F, K) -> waveforms (B, F * hop) whose spectra have about these.

    The phases that it begins with are random, but the same for every row and every call. Without momentum it never gets worse
    from one round to the next (Griffin and Lim 1984); with momentum it gets further (Perraudin, Balazs and Sondergaard 2013, A
    fast Griffin-Lim algorithm, WASPAA).
    """
    drawn = torch.rand(magnitude.shape[1:], generator=torch.Generator().manual_seed(0))
    phase = torch.polar(torch.ones_like(drawn), 2 * torch.pi * drawn).to(magnitude.device)
    guess, before = magnitude * phase, None
    for _ in range(rounds):
        possible = spectra.of(spectra.inverse(guess))
        ahead = possible if before is None else possible + momentum * (possible - before)
        before = possible
        guess = magnitude * ahead / ahead.abs().clamp(min=torch.finfo(magnitude.dtype).tiny)
    return spectra.inverse(guess)
