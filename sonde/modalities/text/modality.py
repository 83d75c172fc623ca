"""Text, and chains of letters such as genes: cut into tokens."""

from sonde.modalities.modality import Form, Modality
from sonde.modalities.table.modality import FILES as TABLES
from sonde.modalities.text.config import TextConfig

TEXT = Modality(
    kind="tokens",
    noun="text",
    input_word="TEXT",
    absent="holds no text to tokenize",
    rows_to_predict="sonde.modalities.text.predict:rows_to_predict",
    unit="tokens",
    config=TextConfig,
    reads=("target", "columns"),
    augmentation="sonde.modalities.text.augmentation:augmentation",
    show="sonde.modalities.text.show:show",
    sample="sonde.modalities.text.sample:sample",
    recipe="sonde.modalities.text.recipe",
    forms=(
        Form(
            name="line-aligned texts in two languages (train.en, train.de)",
            sure=55,
            module="sonde.modalities.text.forms.parallel",
            tasks=("translation",),
            targets=("tokens",),
            instead_of_columns="lines of text",
        ),
        Form(
            name="SQuAD's JSON",
            sure=80,
            module="sonde.modalities.text.forms.squad",
            endings=(".json",),
            tasks=("question-answering",),
            targets=("span",),
            instead_of_columns="questions",
        ),
        Form(
            name="tables of questions with context and answer",
            sure=40,
            module="sonde.modalities.text.forms.question_tables",
            endings=TABLES,
            tasks=("question-answering",),
            targets=("span",),
            folds=False,
        ),
        Form(
            name="tables of texts",
            sure=35,
            module="sonde.modalities.text.forms.tables",
            frames=True,
            endings=TABLES,
        ),
        Form(
            name="FASTA files",
            sure=34,
            module="sonde.modalities.text.forms.fasta",
            endings=(".fasta", ".fa", ".faa", ".fna", ".ffn", ".fas", ".fastq", ".fq", ".gz"),
        ),
        Form(
            name="class folders of .txt files",
            sure=25,
            module="sonde.modalities.text.forms.class_folders",
            endings=(".txt",),
            instead_of_columns="class folders",
        ),
        Form(
            name="labelled lines in .txt files",
            sure=24,
            module="sonde.modalities.text.forms.labelled_lines",
            endings=(".txt",),
            instead_of_columns="lines of text",
        ),
        Form(
            name=".txt files",
            sure=20,
            module="sonde.modalities.text.forms.text_files",
            endings=(".txt",),
            tasks=("language-model",),
            targets=("next",),
            folds=False,
            instead_of_columns="text",
        ),
    ),
)
