"""The record of task question-answering."""

from sonde.tasks.question_answering.config import QuestionAnsweringConfig
from sonde.tasks.spec import Answer, TaskSpec

QUESTION_ANSWERING = TaskSpec(
    name="question-answering",
    summary="where in a text the answer to a question stands",
    task="sonde.tasks.question_answering.task:QuestionAnswering",
    config=QuestionAnsweringConfig,
    answers=Answer("span", "where an answer stands"),
    targets=("span",),
    suggests={"span": "answers stand in a text"},
    model="sonde.tasks.question_answering.recipe:model",
    settings="sonde.tasks.question_answering.recipe:settings",
    figures="sonde.tasks.question_answering.figures:additions",
    next_commands=("sonde predict {run} QUESTIONS.json",),
)
