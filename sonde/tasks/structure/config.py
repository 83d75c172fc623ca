"""Settings of structure prediction: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError
from sonde.modalities.protein.codes import CONTACT, EDGES


@dataclass(frozen=True, kw_only=True)
class StructureConfig:
    """Settings of structure prediction."""

    contact_distance: float = CONTACT
    """Distance in ångström below which two residues are in contact."""

    def __post_init__(self) -> None:
        if self.contact_distance not in EDGES:
            allowed = ", ".join(f"{edge:g}" for edge in EDGES)
            raise ConfigError(f"--contact-distance must be a bin edge ({allowed}), got {self.contact_distance:g}")
