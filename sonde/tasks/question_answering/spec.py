"""The record of task question-answering."""

from sonde.tasks.question_answering.config import QuestionAnsweringConfig
from sonde.tasks.spec import Answer, TaskSpec

QUESTION_ANSWERING = TaskSpec(
    name="question-answering",
    summary="the span of a text that answers a question (extractive)",
    task="sonde.tasks.question_answering.task:QuestionAnswering",
    config=QuestionAnsweringConfig,
    answers=Answer("span", "start and end of an answer"),
    targets=("span",),
    suggests={"span": "answers are spans of a text"},
    model=("qa-reader", "extractive answers, with word matches between question and text as features"),
    settings="sonde.tasks.question_answering.recipe:settings",
    figures="sonde.tasks.question_answering.figures:additions",
    next_commands=("sonde predict {run} QUESTIONS.json",),
)
