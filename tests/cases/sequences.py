"""Texts, series, molecules, structures and sound as people keep them, from `sequences/`: what a careful person reads in each."""

import csv
import re
from collections.abc import Callable

from tests.cases.case import Case, Data, Done, Refused, require

SMALL_LM = ("--model", "modern-gpt", "--layers", "1", "--width", "32", "--heads", "2")
SMALL_MT = ("--model", "seq2seq-gru", "--embedding", "16", "--width", "16")
CIS, TRANS = r"OC(=O)/C=C\C(=O)O", "OC(=O)/C=C/C(=O)O"


def forecast_from(date: str, rows: int) -> Callable[[list[Done]], None]:
    """A check that the forecasts are of the rows without a value: of this first date, and as many (or a first part of them)."""

    def check(done: list[Done]) -> None:
        dates = re.findall(r"^\s*(\d{4}-\d\d-\d\d)\b", done[1].out, re.MULTILINE)
        require(bool(dates) and dates[0] == date, f"forecasts begin at {dates[:1]}, not at {date}")
        require(len(dates) <= rows, f"{len(dates)} forecasts for {rows} rows")

    return check


def told_apart(done: list[Done]) -> None:
    values = re.findall(r"C\(=O\)O +(-?\d+\.\d+)$", done[1].out, re.MULTILINE)
    require(len(values) == 2 and values[0] != values[1], f"cis and trans are predicted {values}")


def answers(*counts: int) -> Callable[[list[Done]], None]:
    """A check of how many rows the tables hold that `predict --out` wrote."""

    def check(done: list[Done]) -> None:
        for number, count in enumerate(counts):
            with (done[0].run.parent / f"{number}.csv").open(encoding="utf-8", newline="") as file:
                rows = len(list(csv.reader(file))) - 1
            require(rows == count, f"{rows} answers for {count} records")

    return check


def residues(code: str) -> Callable[[list[Done]], None]:
    def check(done: list[Done]) -> None:
        require(code in done[1].out, f"no {code} in {done[1].out[:300]}")

    return check


CASES: list[Case] = [
    *(
        Data(
            name=f"s1-date-forms/{name}", right="a series, its times read", data=f"sequences/s1-date-forms/{name}",
            task="forecasting", input="series", names=(value,), facts=(span,),
        )
        for name, value, span in (
            ("ampm.csv", "MW", "700 steps, hourly"),
            ("investing_com.csv", "Price", "400 steps, daily"),
            ("mdy_short.csv", "Price", "400 steps, daily"),
        )
    ),
    Data(
        name="s1-dst-offsets", right="offsets are read: 554 even hours", data="sequences/s1-dst-offsets/dst_offsets.csv",
        task="forecasting", facts=("554 steps, hourly",),
    ),
    Data(
        name="s1-dst-offsets/spring", right="no hour is invented: 672", task="forecasting",
        data="sequences/s1-dst-offsets/dst_offsets_spring.csv", facts=("672 steps, hourly",),
    ),
    Data(
        name="s1-ez", right="cis and trans told apart", data="sequences/s1-ez/ez.csv", input="molecule", rows=132,
        then=(("predict", "{run}", TRANS, CIS),), check=told_apart,
    ),
    Data(
        name="s1-future-rows", right="the 14 blank rows are forecast", data="sequences/s1-future-rows/future_blank.csv",
        task="forecasting", warns=("the last 14 rows have a time and no value",), check=forecast_from("2021-01-21", 14),
        then=(("predict", "{run}", "{cases}/sequences/s1-future-rows/future_blank.csv"),),
    ),
    Data(
        name="s1-future-rows/exog", right="the 7 blank rows are forecast", data="sequences/s1-future-rows/exog_future.csv",
        flags=("--target", "y"), task="forecasting", names=("y",), check=forecast_from("2021-02-04", 7),
        then=(("predict", "{run}", "{cases}/sequences/s1-future-rows/exog_future.csv"),),
    ),
    Data(
        name="s1-mse", right="selenomethionine is M, and said", data="sequences/s1-mse", task="structure",
        flags=("--test", "0"), warns=("4 MSE as M",),
    ),
    Refused(
        name="s1-mse of two chains", right="too few to share out; the flag works", words=("train", "{cases}/sequences/s1-mse"),
        says=("the validation split holds no rows", "--test 0"), remedy=("--test", "0"),
    ),
    Data(
        name="s1-numbers-as-classes", right="1,154.00 is a number", task="forecasting", names=("Price",),
        data="sequences/s1-numbers-as-classes/thousands.csv", flags=("--target", "Price"),
    ),
    Data(
        name="s1-numbers-as-classes --task", right="the same as a table", task="regression", rows=400,
        data="sequences/s1-numbers-as-classes/thousands.csv", flags=("--target", "Price", "--task", "regression"),
        warns=("--time 'Date' holds back the latest",),
    ),
    Refused(
        name="s1-numbers-as-classes/relation", right="refused: names the cell, or read as censored",
        words=("train", "{cases}/sequences/s1-numbers-as-classes/relation.csv", "--target", "pIC50"),
        says=("relation.csv row 2", "30 of the cells of target 'pIC50' are limits such as '>5.2'"),
    ),
    Data(
        name="s1-panel", right="3 series by unique_id", data="sequences/s1-panel/nixtla_long.csv", task="forecasting",
        flags=("--target", "y"), names=("y",), facts=("3 series: store_1, store_2, store_3", "300 steps, daily"),
    ),
    Data(
        name="s1-panel --group", right="3 series by unique_id", data="sequences/s1-panel/nixtla_long.csv", task="forecasting",
        flags=("--task", "forecasting", "--group", "unique_id"), facts=("3 series",),
    ),
    Data(
        name="s1-panel/store_item", right="6 series by store and item", data="sequences/s1-panel/store_item.csv",
        flags=("--target", "sales"), task="forecasting", names=("sales",), facts=("6 series", "200 steps, daily"),
    ),
    Data(
        name="s1-predict-files-as-lines", right="400 records are 400 answers; JSON fields",
        data="sequences/s1-predict-files-as-lines/dnabert2.csv", rows=400, names=("0", "1"), check=answers(400, 400, 1),
        then=tuple(
            ("predict", "{run}", f"{{cases}}/sequences/s1-predict-files-as-lines/{name}", "--out", f"{{work}}/{number}.csv")
            for number, name in enumerate(("promoters.fasta", "promoters.fa.gz", "one.jsonl"))
        ),
    ),
    Data(
        name="s1-qa-csv", right="question answering", data="sequences/s1-qa-csv/qa.csv", task="question-answering",
        facts=("61 questions about 18 paragraphs",),
    ),
    Data(
        name="s1-smiles-to-text/cxsmiles", right="molecules; extensions left out", input="molecule", rows=300,
        data="sequences/s1-smiles-to-text/cxsmiles.csv",
    ),
    Refused(
        name="s1-smiles-to-text/invalid8", right="refused: names the row",
        words=("train", "{cases}/sequences/s1-smiles-to-text/invalid8.csv"),
        says=("invalid8.csv row 2", "--skip-unreadable"), remedy=("--skip-unreadable",),
    ),
    Data(
        name="s1-smiles-to-text/invalid8 skipped", right="276 molecules of 300, and said", input="molecule", rows=276,
        data="sequences/s1-smiles-to-text/invalid8.csv", flags=("--skip-unreadable",), warns=("24 rows hold no SMILES",),
    ),
    Refused(
        name="s1-spam-columns", right="Latin-1 is refused with the command that converts",
        words=("train", "{cases}/sequences/s1-spam-columns/spam.csv"), says=("not UTF-8 at byte 124", "iconv -f latin1"),
    ),
    Data(
        name="s1-spam-columns/utf8", right="empty columns are left out: ham, spam", names=("ham", "spam"), rows=500,
        data="sequences/s1-spam-columns/spam_utf8.csv", input="tokens",
        then=(("predict", "{run}", "{cases}/sequences/s1-spam-columns/spam_utf8.csv"),),
    ),
    *(
        Refused(
            name=f"s1-traceback-task/{name} {task}", right="one line", remedy=None,
            words=("train", f"{{cases}}/sequences/s1-traceback-task/{name}", "--task", task),
            says=(f"task {task}", f"leave --task {task} out"),
        )
        for name in ("crlf.txt", "crlf", "squad_v2.json")
        for task in ("classification", "simclr")
    ),
    Data(
        name="s1-traceback-task/squad_v2", right="questions without an answer told, or learnt", task="question-answering",
        data="sequences/s1-traceback-task/squad_v2.json",
    ),
    *(
        Data(
            name=f"s1-tsv-quotes/{name}", right="500 rows", data=f"sequences/s1-tsv-quotes/{name}", rows=500,
            names=("neg", "pos"), facts=("500 texts",), check=answers(500),
            then=(("predict", "{run}", f"{{cases}}/sequences/s1-tsv-quotes/{name}", "--out", "{work}/0.csv"),),
        )
        for name in ("quotes.tsv", "quotes_even.tsv", "quotes_header.tsv")
    ),
    *(
        Data(
            name=f"s1-txt-with-labels/{name}", right="classification of labelled lines", task="classification",
            data=f"sequences/s1-txt-with-labels/{name}", names=names, rows=700,
        )
        for name, names in (
            ("fasttext.txt", ("neg", "pos")),
            ("emotions", ("joy", "sadness")),
            ("amazon_cells_labelled.txt", ("0", "1")),
        )
    ),
    Data(
        name="s2-common-voice", right="files found in clips/; its own splits", data="sequences/s2-common-voice/cv",
        task="speech-recognition", splits={"train": 40, "validation": 10, "test": 10},
    ),
    Data(
        name="s2-cr-in-tsv", right="a lone CR is part of a cell", data="sequences/s2-cr-in-tsv/cr_inside.tsv", rows=400,
        names=("0", "1"),
    ),
    Data(
        name="s2-fasta/posneg", right="a file a class", data="sequences/s2-fasta/posneg", rows=400,
        names=("negative", "positive"),
    ),
    Data(
        name="s2-fasta/proteins", right="values from the headers", data="sequences/s2-fasta/proteins.fasta", rows=300,
        task="regression", names=("score",),
    ),
    Data(
        name="s2-folders", right="the Parquet files of data/, by split", data="sequences/s2-folders/hf_repo",
        facts=("300 train + 100 test texts",), names=("0", "1"),
    ),
    Data(
        name="s2-gz-nested-structures", right=".pdb.gz are structures", data="sequences/s2-gz-nested-structures",
        task="structure", facts=("2 protein chains of 60 to 68 residues",),
        flags=("--test", "0"),
    ),
    Data(
        name="s2-imbalance", right="that fraud is not in validation is said", data="sequences/s2-imbalance/imbalance.csv",
        rows=433, names=("fraud", "ok"), warns=("validation has no row of 'fraud'",),
    ),
    Data(
        name="s2-jsonl/chat", right="chats as texts; that all turns are learnt is said", task="language-model",
        data="sequences/s2-jsonl/chat.jsonl", flags=SMALL_LM, warns=("all turns are learned",),
    ),
    Data(
        name="s2-jsonl/prompts", right="prompts and completions, and said", task="language-model",
        data="sequences/s2-jsonl/prompts.jsonl", flags=SMALL_LM, warns=("prompt, completion are joined",),
    ),
    *(
        Data(
            name=f"s2-jsonl/{name}", right="500 texts of two classes", data=f"sequences/s2-jsonl/{name}", rows=500,
            task="classification", names=names,
        )
        for name, names in (("reviews.json", ("0", "1")), ("reviews.jsonl", ("negative", "positive")))
    ),
    Data(
        name="s2-jsonl/texts", right="600 texts to continue", data="sequences/s2-jsonl/texts.jsonl", flags=SMALL_LM,
        task="language-model", facts=("432 train + 48 validation + 120 test texts",),
    ),
    Data(
        name="s2-jsonl-u2028", right="U+2028 stands inside a string", data="sequences/s2-jsonl-u2028/train.jsonl",
        task="speech-recognition", rows=20,
    ),
    Data(
        name="s2-leak-unsaid", right="train says that test stands in train", data="sequences/s2-leak-unsaid/dups",
        flags=SMALL_MT, task="translation", warns=("80 of 80 test rows (100 %) are also in train",),
    ),
    Data(
        name="s2-librispeech", right="recordings by *.trans.txt", data="sequences/s2-librispeech/libri",
        task="speech-recognition", rows=30, warns=("26 transcripts have no recording",),
    ),
    *(
        Data(
            name=f"s2-lm-table/{name}", right="600 texts to continue", data=f"sequences/s2-lm-table/{name}",
            flags=(*SMALL_LM, *flags), task="language-model", facts=("432 train + 48 validation + 120 test texts",),
        )
        for name, flags in (("texts.csv", ()), ("texts.csv", ("--task", "language-model")), ("texts.parquet", ()))
    ),
    *(
        Data(
            name=f"s2-mt-forms/{name}", right="400 pairs, en to de", data=f"sequences/s2-mt-forms/{name}",
            flags=(*SMALL_MT, *flags), task="translation", names=("en", "de"), facts=("400 train pairs of sentences",),
        )
        for name, flags in (("memory.tmx", ()), ("pairs.jsonl", ()), ("pairs.tsv", ("--task", "translation")))
    ),
    Data(
        name="s2-qa-forms/minus1", right="answers without a place are found, and said", task="question-answering",
        data="sequences/s2-qa-forms/minus1.json", warns=("1 answers have no answer_start",),
        facts=("61 questions about 18 paragraphs",),
    ),
    Data(
        name="s2-qa-forms/empty_answers", right="questions without an answer told, or learnt", task="question-answering",
        data="sequences/s2-qa-forms/empty_answers.json",
    ),
    Data(
        name="s2-qa-forms/string_offsets", right="61 questions", task="question-answering",
        data="sequences/s2-qa-forms/string_offsets.json", facts=("61 questions about 18 paragraphs",),
    ),
    Data(
        name="s2-sdf-inchi-smi/esol.sdf", right="80 molecules", data="sequences/s2-sdf-inchi-smi/esol.sdf", rows=80,
        input="molecule", names=("logS",), check=answers(80),
        then=(("predict", "{run}", "{cases}/sequences/s2-sdf-inchi-smi/esol.sdf", "--out", "{work}/0.csv"),),
    ),
    Data(
        name="s2-sdf-inchi-smi/inchi.csv", right="InChI are molecules", data="sequences/s2-sdf-inchi-smi/inchi.csv",
        rows=300, input="molecule", names=("logS",),
        then=(("predict", "{run}", "{cases}/sequences/s2-sdf-inchi-smi/lib.smi"),),
    ),
    Refused(
        name="s2-sdf-inchi-smi/lib.smi", right="molecules without a property: predict on them",
        words=("train", "{cases}/sequences/s2-sdf-inchi-smi/lib.smi"),
        says=("no property to predict", "sonde predict RUN lib.smi"),
    ),
    Data(
        name="s2-series-with-names/beijing_pm25", right="a series of year, month, day, hour", task="forecasting",
        data="sequences/s2-series-with-names/beijing_pm25.csv", facts=("900 steps, hourly",),
    ),
    Data(
        name="s2-series-with-names/household_power", right="Date and Time are one time", task="forecasting",
        data="sequences/s2-series-with-names/household_power.csv", names=("Global_active_power", "Voltage"),
        facts=("800 steps, every minute",),
    ),
    Data(
        name="s2-series-with-names/with_category", right="a series, names or not", task="forecasting", names=("y",),
        data="sequences/s2-series-with-names/with_category.csv", facts=("400 steps, daily",),
    ),
    Data(
        name="s2-speech-commands", right="its lists are the splits; 3 words", names=("one", "two", "zero"),
        data="sequences/s2-speech-commands/speech_commands", splits={"train": 32, "validation": 4, "test": 4},
    ),
    Data(
        name="s2-text-pairs/nli", right="pairs of texts, 3 classes", data="sequences/s2-text-pairs/nli.csv", rows=400,
        input="text-pair", names=("contradiction", "entailment", "neutral"), columns=("premise", "hypothesis"),
    ),
    Data(
        name="s2-text-pairs/pairs", right="pairs of texts, 2 classes", data="sequences/s2-text-pairs/pairs.csv", rows=400,
        input="text-pair", names=("0", "1"), columns=("sentence1", "sentence2"),
    ),
    Data(
        name="s2-text-pairs/sts", right="pairs of texts, a score", data="sequences/s2-text-pairs/sts.csv", rows=400,
        input="text-pair", task="regression", names=("score",),
    ),
]  # fmt: skip
