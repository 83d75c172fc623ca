"""What holds no rows is told with what it is for."""

from typing import Any

import pytest

from sonde.core.errors import ConfigError
from sonde.data.feed.iterables import Called
from sonde.run.no_data import check_iterable, no_data


class Maze:
    """Steps as environments do."""

    def reset(self) -> Any: ...

    def step(self, action: Any) -> Any: ...


def made() -> Any:
    return Maze()


def test_what_is_acted_in_is_pointed_to_what_does() -> None:
    own = r"which is an environment; a policy acts in it by sonde.train\({}, model=net\)"
    with pytest.raises(ConfigError, match=f"cannot train on Maze, {own.format('Maze')}"):
        check_iterable(Maze, what="training")
    assert f"cannot evaluate on a Maze, {own.format('env')}".replace("\\", "") in str(no_data(Maze(), "validation"))
    with pytest.raises(ConfigError, match=rf"made\(\) returned a Maze, {own.format('made')}"):
        iter(Called(made))


def test_other_classes_are_no_data() -> None:
    with pytest.raises(ConfigError, match="cannot train on <class 'int'>, which is no data"):
        check_iterable(int, what="training")
    assert "give tensors" in str(no_data(3, "training"))
    assert "lambda: itertools.repeat" in str(no_data(None, "training"))
