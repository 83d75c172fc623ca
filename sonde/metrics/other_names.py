"""What other libraries call a metric: with the split in front, as Keras and the Trainer do, or by names of their own."""

from collections.abc import Iterable

SPLITS = ("val_", "valid_", "validation_", "eval_", "test_", "val/", "valid/", "validation/", "eval/", "test/")
OTHERS = {
    "acc": "accuracy", "accuracy_score": "accuracy", "categorical_accuracy": "accuracy", "binary_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy", "auc": "auroc", "roc_auc": "auroc", "roc_auc_score": "auroc", "rocauc": "auroc",
    "f1_score": "f1", "f1_macro": "macro_f1",
    "mean_squared_error": "mse", "mean_absolute_error": "mae",
    "root_mean_squared_error": "rmse", "r2_score": "r2", "average_precision_score": "average_precision",
    "ap": "average_precision",
    "balanced_accuracy_score": "balanced_accuracy", "top_5_accuracy": "top5", "logloss": "log_loss", "crossentropy": "log_loss",
    "precision_score": "precision", "recall_score": "recall",
}  # fmt: skip


def name_here(name: str, known: Iterable[str]) -> str | None:
    """The name among `known` of a metric that is called otherwise elsewhere; None where there is none.

    >>> name_here("val_acc", ["accuracy", "loss"]), name_here("AUC", ["auroc"]), name_here("eval_f1", ["f1"])
    ('accuracy', 'auroc', 'f1')
    """
    there = list(known)
    plain = name.lower()
    bare = next((plain.removeprefix(split) for split in SPLITS if plain.startswith(split)), plain)
    candidates = (plain, bare, OTHERS.get(bare), OTHERS.get(plain))
    return next((each for each in candidates if each in there), None)
