"""What a metric's name says of it: whether more of it is better, and whether the mean of its values over batches is its value.

Names are read word by word: "val_mae", "Top5Accuracy" and "mean_absolute_error" say which way better lies
"score" does not.
Words that contradict each other ("accuracy_loss") say nothing.
"""

import re

HIGHER = """
accuracy, acc, correct, top k, hit, hits, hit rate, win rate, success, exact match, em
precision, recall, sensitivity, specificity, selectivity, ppv, npv, tpr, tnr, true positive, true negative
predictive value
f1, f2, f beta, fbeta, f measure, f score, fscore, fmeasure, macro f, micro f, v measure, g mean
auroc, auc, roc auc, auprc, aupr, average precision, ap, map, mar, mrr, reciprocal rank, ndcg, dcg, area under
r2, r squared, rsquared, d2, explained variance, determination, nse
pearson, spearman, kendall, correlation, corrcoef, corr, corr coef, concordance, ccc, spearmanr, pearsonr, kendalltau
kappa, qwk, mcc, matthews, youden, informedness, markedness, critical success
iou, miou, giou, diou, ciou, jaccard, intersection over union, dice, overlap
bleu, gleu, sacrebleu, rouge, rouge l, meteor, chrf, cider, spice, sari, comet, bleurt, bert score, bertscore
word info preserved
psnr, ssim, msssim, uqi, vif, inception score, clip score
snr, sdr, sir, signal noise ratio, signal distortion ratio, pesq, stoi, mos
reward, return, returns, win, wins
silhouette, rand index, rand score, ari, nmi, ami, mutual info, homogeneity, completeness, calinski harabasz, purity
dunn
similarity, likelihood, log likelihood, elbo, lddt, plddt, gdt, tm score, agreement, negative predictive value
"""
LOWER = """
loss, error, errors, err, cost, regret, penalty, violation, residual, deviance, misclassification, incorrect, wrong
failure
mae, mse, rmse, medae, mape, smape, wape, wmape, mase, msle, rmsle, mre, rse, rae, rmsd, rmsf, nrmse, ade, fde, mpjpe
epe, abs rel
l1, l2, huber, pinball, quantile loss, crps, logcosh, log cosh
nll, negative log likelihood, cross entropy, crossentropy, ce, bce, log loss, logloss, hinge
perplexity, ppl, bits per, bpc, bpb, bpd, bpw, aic, bic
wer, cer, ter, mer, word info lost, edit rate, edit distance, levenshtein, match error
brier, ece, mce, calibration error, eer, fpr, fnr, fdr, false positive, false negative, fall out, hamming
fid, kid, lpips, kl, js, divergence, mmd, wasserstein, emd, chamfer, hausdorff, distance, davies bouldin
spectral angle, ergas
bleu penalty
"""
FLIPS = ("neg", "negated")
"""Words that turn the rest round, as in scikit-learn's "neg_mean_squared_error"."""

NO_MEAN = """
auroc, auc, roc auc, auprc, aupr, average precision, ap, map, mar, area under
f1, f2, f beta, fbeta, f measure, f score, fscore, fmeasure, precision, recall, sensitivity, specificity, ppv, npv
tpr, tnr, fpr, fnr
balanced accuracy, balanced acc, r2, r squared, rsquared, d2, explained variance, pearson, spearman, kendall
correlation, corrcoef, corr, ccc, spearmanr, pearsonr, kendalltau
concordance, kappa, qwk, mcc, matthews, rmse, nrmse, rmsle, root mean, rse, mase, wape, perplexity, ppl
bleu, sacrebleu, gleu, chrf, cider, wer, cer, ter, mer, word error, character error, char error, edit rate
iou, miou, jaccard, dice, ece, mce, calibration error, eer, fid, kid, inception score, inception distance
silhouette, rand index, rand score, ari, nmi, ami, mutual info, homogeneity, completeness, v measure
calinski harabasz, davies bouldin
median, medae, max error, quantile
"""
"""What its value over a whole set is not the mean of its values over batches (equal rows each, for the simple ones)."""


def _phrases(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(phrase.split()) for line in text.strip().splitlines() for phrase in line.split(", "))


_HIGHER, _LOWER, _NO_MEAN = _phrases(HIGHER), _phrases(LOWER), _phrases(NO_MEAN)
_LONGEST = max(len(phrase) for phrase in _HIGHER | _LOWER | _NO_MEAN)
_RUNS = ((re.compile(r"([a-z0-9])([A-Z])"), r"\1 \2"), (re.compile(r"([A-Z])([A-Z][a-z])"), r"\1 \2"))
_WHOLE_WORDS = {"IoU": "Iou", "mAP": "Map", "mAR": "Mar", "mIoU": "Miou", "chrF": "Chrf", "LogCosh": "Logcosh"}


def higher_is_better(name: str) -> bool | None:
    """Whether more of a metric is better, from the words of its name; None where they do not say, or contradict each other.

    >>> higher_is_better("val_mae"), higher_is_better("Top5Accuracy"), higher_is_better("my_score")
    (False, True, None)
    """
    said: set[bool] = set()
    flipped = False
    words = words_of(name)
    while words:
        if words[0] in FLIPS:
            flipped, words = not flipped, words[1:]
            continue
        length = next((n for n in range(_LONGEST, 0, -1) if _among(words[:n], n, _HIGHER | _LOWER)), 0)
        if length:
            said.add(_among(words[:length], length, _HIGHER))
        words = words[length or 1 :]
    if not said and any(re.fullmatch(r"top\d+", word) for word in words_of(name)):
        said.add(True)  # the share of rows whose class is among the likeliest, unless another word says "error"
    return None if len(said) != 1 else said.pop() is not flipped


def is_mean_of_rows(name: str) -> bool:
    """False for a metric that is no mean over rows, as far as its name tells: an AUROC, F1 or RMSE of a whole set is not the mean
    of those of its batches.

    >>> is_mean_of_rows("auroc"), is_mean_of_rows("mae")
    (False, True)
    """
    words = words_of(name)
    return not any(
        _among(words[at : at + length], length, _NO_MEAN)
        for length in range(1, _LONGEST + 1)
        for at in range(len(words) - length + 1)
    )


def words_of(name: str) -> list[str]:
    """The words of a name, however they are joined.

    >>> words_of("val/Top5Accuracy"), words_of("BinaryAUROC")
    (['val', 'top5', 'accuracy'], ['binary', 'auroc'])
    >>> words_of("AUROCScore")
    ['auroc', 'score']
    """
    for written, word in _WHOLE_WORDS.items():
        name = name.replace(written, f" {word} ")
    for pattern, parted in _RUNS:
        name = pattern.sub(parted, name)
    return re.findall(r"[a-z0-9]+", name.lower())


def _among(words: list[str], length: int, phrases: frozenset[tuple[str, ...]]) -> bool:
    """Whether the words are one of the phrases, with a number at the end ("map50") or without."""
    if len(words) < length:
        return False
    return tuple(words) in phrases or (*words[:-1], words[-1].rstrip("0123456789")) in phrases
