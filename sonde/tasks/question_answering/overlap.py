"""Answering by lexical overlap, without training: the sentence that shares most with the question, and in it a likely phrase."""

import math
import re
from collections import Counter
from collections.abc import Callable

WORD = re.compile(r"\w+(?:[.,'’\-]\w+)*")
SENTENCE_END = re.compile(r"(?<=[.!?])[\"”')\]]*\s+(?=[\"“'(\[]?[A-Z0-9])")
COMMON = frozenset(
    WORD.findall(
        "a an the of in on at to for from by with as and or but is are was were be been being it its this that these those he "
        "she they his her their there which who whom whose what when where why how did do does has have had not no than into "
        "over after before about between during under also can could would will may might more most some such other one many much"
    )
)
NUMBER = re.compile(r"\d")
MOST_WORDS = 8  # of a phrase

Span = tuple[int, int]


def answer_by_overlap(question: str, context: str) -> Span:
    """(first character, the one behind the last) of an answer in a context.

    The sentence with the largest weight of the question's words, each weighing the more the fewer sentences have it; in it
    the run of words foreign to the question that suits the question's word (numbers for when and how many, names for who and
    where, else the longest) and stands nearest to the words shared.
    After: Rajpurkar et al. 2016, SQuAD, arXiv:1606.05250, section 5.1, whose sliding window compares the same words
    """
    question_words = {word.lower() for word in WORD.findall(question)} - COMMON
    sentences = _sentences(context)
    words = [{word.lower() for word in WORD.findall(context[begin:end])} for begin, end in sentences]
    found_in = Counter(word for sentence in words for word in sentence & question_words)
    scores = [
        sum(math.log(1 + len(sentences) / found_in[word]) for word in sorted(sentence & question_words))
        for sentence in words
    ]
    begin, end = sentences[max(range(len(sentences)), key=lambda place: scores[place])]
    return _phrase(question, context, begin, end, question_words)


def _sentences(context: str) -> list[Span]:
    cuts = [0, *(found.end() for found in SENTENCE_END.finditer(context)), len(context)]
    return [(begin, end) for begin, end in zip(cuts, cuts[1:], strict=False) if context[begin:end].strip()]


def _phrase(question: str, context: str, begin: int, end: int, question_words: set[str]) -> Span:
    """The most likely run of words between two places of the context."""
    found = list(WORD.finditer(context, begin, end))
    if not found:
        return begin, end
    shared = [place for place, word in enumerate(found) if word.group().lower() in question_words]
    runs = _runs(context, [(word.span(), word.group().lower() in question_words) for word in found]) or [
        (0, len(found) - 1)
    ]
    suits = _kind(question)

    def rank(run: Span) -> tuple[bool, float, int]:
        text = context[found[run[0]].start() : found[run[1]].end()]
        near = min((min(abs(run[0] - place), abs(run[1] - place)) for place in shared), default=0)
        return suits(text), -near, run[1] - run[0]

    first, last = max(runs, key=rank)
    return found[first].start(), found[last].end()


def _runs(context: str, words: list[tuple[Span, bool]]) -> list[Span]:
    """First and last word of runs without a word of the question or punctuation, common words at their ends taken off."""
    runs: list[Span] = []
    run: list[int] = []
    for place, ((begin, _), in_question) in enumerate(words):
        broken = bool(run) and re.search(r"[,;:()–—]", context[words[place - 1][0][1] : begin]) is not None
        if (in_question or broken) and run:
            runs.append((run[0], run[-1]))
            run = []
        if not in_question:
            run.append(place)
    if run:
        runs.append((run[0], run[-1]))
    return [trimmed for each in runs if (trimmed := _trimmed(context, words, each)) is not None]


def _trimmed(context: str, words: list[tuple[Span, bool]], run: Span) -> Span | None:
    places = [p for p in range(run[0], run[1] + 1) if context[slice(*words[p][0])].lower() not in COMMON]
    return (places[0], min(places[-1], places[0] + MOST_WORDS - 1)) if places else None


def _kind(question: str) -> Callable[[str], bool]:
    """Whether a phrase is of the kind that a question asks for."""
    lowered = question.lower()
    if re.search(r"\bwhen\b|\bhow (many|much|old|long|far|large|big)\b|\b(what|which) year\b|\bpercent", lowered):
        return lambda text: bool(NUMBER.search(text))
    if re.search(r"\bwho\b|\bwhom\b|\bwhere\b|\bwhose\b", lowered):
        return lambda text: text[:1].isupper()
    return lambda text: True
