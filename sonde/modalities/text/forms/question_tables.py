"""Tables of questions with their contexts and answers as question answering: CSV, JSON lines, Parquet; by split or not."""

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.listing import Listing
from sonde.modalities.catalogue import check_target
from sonde.modalities.modality import Wanted
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import form_of, read_tables, split_files
from sonde.modalities.table.read import notes_of
from sonde.modalities.text.forms.squad import knows_unanswerable, questions_dataset
from sonde.modalities.text.question_table import QuestionColumns, find_questions, questions_of
from sonde.modalities.text_pair.config import NONE, TextPairConfig

TASK = "question-answering"


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a table, or a folder of them, holds questions whose answers are spans of a context; None if it does not.

    Where another column than the answer is to be predicted, or another task is named, it is a table like others.
    """
    if not split_files(listing) or wanted.task not in (None, TASK):
        return None
    if wanted.like is not None and wanted.like.target.kind != "span":
        return None
    try:
        tables = read_tables(listing, wanted.config, like=wanted.like)
    except DataError:
        return None  # what is wrong with the file is reported when it is read as a table
    found = find_questions(next(iter(tables.values())))
    if found is None or (wanted.like is None and not _asked(found, wanted.config)):
        return None
    return f"{found.answer!r} answers {found.question!r} from {found.context!r}"


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Questions as rows. Raises: DataError naming the file and row of an answer that is not in its context"""
    check_target("span", f"{listing.path} holds questions about contexts", like)
    tables = read_tables(listing, config, like=like, tick=tick)
    found = {}
    for split, table in tables.items():
        columns = find_questions(table)
        if columns is None:
            raise DataError(f"{table.name} holds no questions as the other tables do; give it the same columns")
        found[split] = questions_of(table, columns, skip=config.skip_unreadable, unanswerable=knows_unanswerable(like))
    files, notes = list(split_files(listing).values()), notes_of(tables.values())
    form = f"{form_of(files[0])} of questions"
    return questions_dataset(found, listing, config, form=form, files=files, notes=notes, like=like, tick=tick)


def _asked(found: QuestionColumns, config: DataConfig) -> bool:
    """Whether nobody says that the table is to be read as something else."""
    target, pair = config.of(TableConfig).target, config.of(TextPairConfig).pair
    return set(target) <= {found.answer} and tuple(pair) in ((), NONE)
