"""What names of metrics say: those of torchmetrics, Keras, scikit-learn and Hugging Face's evaluate, and our own tasks'."""

import pytest

from sonde.metrics.directions import higher_is_better, is_mean_of_rows
from sonde.tasks.classification.config import ClassificationConfig
from sonde.tasks.classification.task import _metrics as of_classes
from sonde.tasks.regression.task import _metrics as of_values

RISING = """
accuracy BinaryAccuracy MulticlassAccuracy CategoricalAccuracy sparse_categorical_accuracy TopKCategoricalAccuracy
top_k_accuracy_score Top5Accuracy val_acc acc@1 balanced_accuracy_score precision macro_recall F1Score FBetaScore f1_macro eval_f1
AUC BinaryAUROC roc_auc_score average_precision_score AveragePrecision R2Score r2_score ExplainedVariance PearsonCorrCoef
spearmanr SpearmanCorrCoef KendallRankCorrCoef cohen_kappa_score MatthewsCorrCoef
matthews_corrcoef JaccardIndex MeanIoU mIoU dice_score
mAP map50 MeanAveragePrecision bleu BLEUScore SacreBLEUScore rougeL ROUGEScore rouge1 meteor CHRFScore psnr PeakSignalNoiseRatio
StructuralSimilarityIndexMeasure SSIM InceptionScore reward mean_return exact_match CosineSimilarity RetrievalMRR ndcg_score
sensitivity specificity ScaleInvariantSignalDistortionRatio neg_mean_squared_error neg_log_loss accuracy_per_class hit_rate@10
top5
"""
FALLING = """
loss val_loss MeanAbsoluteError mean_absolute_error val_mae rmse RootMeanSquaredError mse MeanSquaredLogError MAPE smape msle nll
mean_absolute_percentage_error BinaryCrossentropy categorical_crossentropy cross_entropy log_loss LogLoss bce perplexity ppl wer
WordErrorRate word_error_rate CharErrorRate cer ter TranslationEditRate brier_score_loss brier ECE CalibrationError fid hinge_loss
FrechetInceptionDistance KLDivergence kl_divergence HammingDistance hamming_loss bits_per_char bpc top1_error error_rate max_error
median_absolute_error CosineDistance TweedieDevianceScore mean_pinball_loss ExtendedEditDistance zero_one_loss LogCoshError
WordInfoLost fpr bits_per_dim L1Loss negative_log_likelihood
"""
SILENT = """
score my_metric foo accuracy_loss entropy size temperature images_per_second lr std coverage ConfusionMatrix sum far d2_error x
"""


@pytest.mark.parametrize(
    ("names", "higher"), [(RISING, True), (FALLING, False), (SILENT, None)], ids=["higher", "lower", "unknown"]
)
def test_names_say_which_way_better_lies(names: str, higher: bool | None) -> None:
    listed = names.split()
    assert {name: higher_is_better(name) for name in listed} == dict.fromkeys(listed, higher)


def test_it_agrees_with_the_tasks_that_know() -> None:
    modes = of_values(["a", "b"])
    for kind in ("classes", "binary", "labels"):
        modes |= of_classes(kind, 10, ClassificationConfig())[1]
    assert len(modes) > 12
    assert {n: higher_is_better(n.partition("/")[0]) for n in modes} == {n: mode == "max" for n, mode in modes.items()}


def test_what_is_no_mean_over_rows() -> None:
    means = [
        "accuracy",
        "mae",
        "mse",
        "nll",
        "Top5Accuracy",
        "log_loss",
        "psnr",
        "loss",
        "exact_match",
        "reward",
        "foo",
        "brier",
    ]
    others = "auroc BinaryAUROC average_precision f1 F1Score macro_f1 precision recall r2 rmse perplexity bleu wer"
    others += " kappa mcc map pearson spearman balanced_accuracy mIoU RootMeanSquaredError word_error_rate ece"
    assert [name for name in means if not is_mean_of_rows(name)] == []
    assert [name for name in others.split() if is_mean_of_rows(name)] == []
