"""Pairs of texts that get one answer: entailment, paraphrase, similarity, a question and its answer."""

from sonde.modalities.modality import Form, Modality
from sonde.modalities.table.modality import FILES
from sonde.modalities.text_pair.config import TextPairConfig

TEXT_PAIR = Modality(
    kind="text-pair",
    noun="pairs of texts",
    input_word="FIRST SECOND",
    absent="holds no pairs of texts",
    rows_to_predict="sonde.modalities.text_pair.predict:rows_to_predict",
    unit="tokens",
    config=TextPairConfig,
    reads=("target", "columns", "group", "tokenizer", "vocabulary", "vocabulary_of", "max_tokens"),
    show="sonde.modalities.text_pair.rows:show",
    sample="sonde.modalities.text_pair.rows:sample",
    recipe="sonde.modalities.text_pair.recipe",
    forms=(
        Form(
            name="tables with two columns of text",
            sure=38,
            module="sonde.modalities.text_pair.forms.tables",
            endings=FILES,
            frames=True,
        ),
    ),
)
