"""Vector-quantised autoencoders: each place of the encoder's map becomes one of finitely many codes."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.reconstruction import LatentSpace, Reconstruction
from sonde.core.records import StepRecord
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.metrics.reconstruction import ReconstructionMeter
from sonde.nn.quantise import Codebook, FiniteScalars
from sonde.tasks.reconstructing import Codes, Worded, coding, pixels_of, qualities, quality
from sonde.tasks.supervised import objective, wide
from sonde.tasks.vq_vae.config import VQVAEConfig

# B rows, D numbers of a code, H x W places of the map, P of them


class Quantised(nn.Module):
    """A network of codes with a quantiser between encoder and decoder, and 1x1 convolutions to its width and back."""

    def __init__(self, model: nn.Module, config: VQVAEConfig) -> None:
        """Raises: ConfigError for a network of another kind, or one whose code is no map"""
        super().__init__()
        code = coding(model, "vq-vae").code
        if len(code) != 3:
            raise ConfigError(
                f"task vq-vae quantises a map of codes, and {type(model).__name__} has none; take --model autoencoder-cnn"
            )
        self.model = model
        self.quantiser: Codebook | FiniteScalars = (
            FiniteScalars(config.fsq_levels)
            if config.quantiser == "fsq"
            else Codebook(config.codes, config.code_width, decay=config.codebook_decay, restart=config.restart_below)
        )
        self.shape = (self.quantiser.width, *code[1:])
        self.down, self.up = nn.Conv2d(code[0], self.quantiser.width, 1), nn.Conv2d(self.quantiser.width, code[0], 1)

    def encode(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, D, H, W) before quantisation, at least float32."""
        return wide(self.down(cast(Codes, self.model).encode(input)))

    def quantise(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D, H, W) -> codes of that shape, and their numbers (B, P)."""
        flat = encoded.movedim(1, -1)  # (B, H, W, D)
        codes, numbers = self.quantiser(flat.flatten(0, 2))
        return codes.view(flat.shape).movedim(-1, 1), numbers.view(len(encoded), -1)

    def nearest(self, near: Tensor) -> Tensor:
        """Anything (B, D, H, W) -> the nearest codes, of that shape."""
        flat = near.movedim(1, -1)
        return self.quantiser.nearest_codes(flat.flatten(0, 2)).view(flat.shape).movedim(-1, 1)

    def decode(self, codes: Tensor) -> Tensor:
        """(B, D, H, W) -> (B, *shape), at least float32."""
        return wide(cast(Codes, self.model).decode(self.up(codes)))

    def forward(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, *shape)."""
        return self.decode(self.quantise(self.encode(input))[0])


class VQVAE:
    """Trained by the squared error of what is given back; gradients pass the quantiser as if it were not there.

    The use of the codebook and its perplexity are those of a whole evaluation, not of a batch.
    Source: van den Oord, Vinyals and Kavukcuoglu 2017, arXiv:1711.00937; finite scalars: Mentzer et al. 2023, arXiv:2309.15505
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: VQVAEConfig,
        *,
        input: InputSpec,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for a network of another kind, or when `monitor` is not a metric"""
        self.net = Quantised(model, config)
        self.config, self.input = config, input
        self.pixels = pixels_of(input)
        self.format_predictions = Worded(input)
        self.modules = nn.ModuleDict({"model": self.net})
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[self.net]),)
        modes = qualities(self.pixels, codebook_use="max", perplexity="max")
        self.objective: Objective = objective("loss", modes, monitor)
        self.abilities = Abilities(
            reconstruction=Reconstruction(
                outputs={"latent": self.predict, "reconstruction": self.given_back, "anomaly": self.anomaly},
                latent=lambda batch: self.net.encode(batch["input"]).flatten(1),
                reconstruct=lambda batch: self.net(batch["input"]),
                space=LatentSpace(
                    shape=self.net.shape,
                    encode=lambda input: self.net.quantise(self.net.encode(input))[0],
                    decode=lambda near: self.net.decode(self.net.nearest(near)),
                ),
            )
        )

    def loss(self, batch: Batch) -> Loss:
        """The mean squared error, and how far what is encoded is from its codes."""
        encoded = self.net.encode(batch["input"])
        codes, _ = self.net.quantise(encoded)
        if isinstance(self.net.quantiser, FiniteScalars):
            error = (self.net.decode(codes) - batch["input"]).square().mean()
            return Loss(error, len(batch))
        apart = (encoded - codes).square().mean()
        error = (self.net.decode(encoded + (codes - encoded).detach()) - batch["input"]).square().mean()
        return Loss(error + self.config.commitment * apart, len(batch), {"error": error, "commitment": apart})

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: loss, mse, psnr and ssim (B,), and the codes' numbers (B, P)."""
        encoded = self.net.encode(batch["input"])
        codes, numbers = self.net.quantise(encoded)
        found = quality(self.net.decode(codes), batch["input"], self.pixels)
        loss = found["mse"]
        if isinstance(self.net.quantiser, Codebook):
            loss = loss + self.config.commitment * (encoded - codes).square().flatten(1).mean(1)
        return {"loss": loss, **found, "code": numbers}

    def meter(self) -> Meter:
        """A fresh one."""
        return ReconstructionMeter(codes=self.net.quantiser.size)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"latent": (B, P) int64}, the numbers of the codes from left to right and from top to bottom."""
        return {"latent": self.net.quantise(self.net.encode(batch["input"]))[1]}

    def given_back(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"reconstruction": (B, *shape)}."""
        return {"reconstruction": self.net(batch["input"])}

    def anomaly(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"score": (B,), the mean of "error": (B, *shape)}."""
        error = (self.net(batch["input"]) - batch["input"]).square()
        return {"score": error.flatten(1).mean(1), "error": error}

    def after_step(self, record: StepRecord) -> None:
        """Move the codebook toward what chose it in this step."""
        if isinstance(self.net.quantiser, Codebook):
            self.net.quantiser.update()

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the codebook and its averages are buffers of the network."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """What chose the codes in a step that is undone is forgotten."""
        if isinstance(self.net.quantiser, Codebook):
            self.net.quantiser.forget()
