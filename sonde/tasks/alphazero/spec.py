"""The record of task alphazero."""

from sonde.tasks.alphazero.config import AlphaZeroConfig
from sonde.tasks.spec import Answer, TaskSpec

ALPHAZERO = TaskSpec(
    name="alphazero",
    summary="moves that win a game, by self-play with search",
    task="sonde.tasks.alphazero.task:AlphaZero",
    config=AlphaZeroConfig,
    answers=Answer("policy-value", "logits of moves, and of a win, a draw and a loss"),
    targets=("move",),
    suggests={"move": "a game's moves are chosen"},
    exclusive="moves of a game",
    inputs={"environment": "games"},
    takes_input=True,
    parts={},
    experience="sonde.acting.self_play.source:source",
    room="sonde.acting.self_play.source:room",
    model="sonde.tasks.alphazero.recipe:model",
    settings="sonde.tasks.alphazero.recipe:settings",
    figures="sonde.tasks.alphazero.figures:additions",
    highlights="sonde.tasks.alphazero.figures:highlights",
    units={"score": "of a game: 1 won, 0.5 drawn, 0 lost", "length": "moves of a game"},
    row=("game", "games"),
    next_commands=("sonde play {run} --page",),
)
