"""How an image is fitted into a stored one without stretching: at the top left, as large as it goes, grey below or beside it."""

GREY = 114  # of the bytes that are left over: near the mean of photographs


def fitted(height: int, width: int, room: tuple[int, int]) -> tuple[int, int]:
    """(height, width) in pixels of an image inside `room` (height, width), its proportions kept to the pixel.

    >>> fitted(480, 640, (256, 320)), fitted(100, 50, (256, 320)), fitted(1000, 3, (256, 320))
    ((240, 320), (256, 128), (256, 1))
    """
    scale = min(room[0] / height, room[1] / width)
    return min(room[0], max(1, round(height * scale))), min(room[1], max(1, round(width * scale)))
