"""Pictures among observations that no convolution sees as such: they are trained on, which says nothing of how well."""

from collections.abc import Iterator

from sonde.core.findings import Finding
from sonde.core.spaces import Space

SMALLEST = 8  # pixels a side, from which on an array is taken for a picture
CHANNELS = 4  # at most
NAME = "picture-read-as-numbers"


def unread_pictures(shown: Space) -> list[Finding]:
    """Of what an environment shows: pictures that are parts of it, without channels, several, or of floats with channels last."""
    if shown.is_pixels:
        return []
    if shown.parts:
        return [_of_part(name, part, shown) for name, part in _parts(shown) if _is_picture(part)]
    sizes = "x".join(map(str, shown.shape))
    numbers = f"are read as {shown.size:,} numbers, without convolutions"
    if _is_picture(shown) and len(shown.shape) == 2:
        how, shape = f"observations of {sizes} {shown.dtype} have no channels, and {numbers}", (*shown.shape, 1)
        return [_finding(how, f"gymnasium.wrappers.ReshapeObservation(env, {shape}) gives them one")]
    if len(shown.shape) == 4 and shown.dtype == "uint8":
        how = f"observations of {sizes} {shown.dtype} are several pictures, and {numbers}"
        return [_finding(how, "show one picture, whose channels --frame-stack puts together")]
    if _is_picture(shown) and shown.shape[2] <= CHANNELS < shown.shape[0]:
        how = f"observations of {sizes} {shown.dtype} are read as {shown.shape[0]} channels, first as in PyTorch"
        action = "show bytes (uint8, whose bounds say how bright they get), whose channels may be last, or the channels first"
        return [_finding(how, action)]
    return []


def _of_part(name: str, part: Space, shown: Space) -> Finding:
    sizes = "x".join(map(str, part.shape))
    how = f"part {name} of the observation is a picture ({sizes} {part.dtype}), and all parts together are read as one row of "
    how += f"{shown.size:,} numbers, without convolutions"
    action = (
        "show the picture alone, as a Box of bytes (height, width, channels), with what else counts as a further channel; or let "
        "a network of your own take the row apart (--model file.py:Net)"
    )
    return _finding(how, action)


def _parts(shown: Space, before: str = "") -> Iterator[tuple[str, Space]]:
    names = shown.names or tuple(str(place) for place in range(len(shown.parts)))
    for name, part in zip(names, shown.parts, strict=True):
        if part.parts:
            yield from _parts(part, f"{before}{name}.")
        else:
            yield f"{before}{name}", part


def _is_picture(space: Space) -> bool:
    """Bytes in rows and columns, or numbers that have few channels too."""
    if space.kind != "box" or len(space.shape) not in (2, 3):
        return False
    sides = sorted(space.shape, reverse=True)
    few = len(sides) == 3 and min(space.shape[0], space.shape[2]) <= CHANNELS
    return sides[1] >= SMALLEST and (space.dtype == "uint8" or few)


def _finding(evidence: str, action: str) -> Finding:
    return Finding(check=NAME, severity="warning", evidence=evidence, action=action, name=NAME)
