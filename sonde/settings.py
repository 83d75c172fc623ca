"""Settings by name, as `sonde.train`, `fit`, `steps` and `resume` take them. Written by `make settings`; not to be edited."""

# fmt: off
# ruff: noqa: E501

from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    import torch


class TrainKeywords(TypedDict, total=False):
    """Settings of `sonde.train`: those of every run, then those of models and tasks."""

    validation: float
    """Share of the training rows kept for validation when the data has no validation split; 0 trains on every row."""
    test: float | None
    """Share kept for testing when the data has no test split; by default 0.2, or 0 for language modelling."""
    skip_unreadable: bool
    """Skip unreadable files and count them, instead of stopping."""
    label_fraction: float
    """Share of the training rows to use, the same share of every class."""
    overfit_batches: int
    """Train and evaluate on this many batches only: a sanity check that the model can overfit them."""
    folds: int
    """Cross-validation: split the rows into this many folds and train once per fold, each evaluated on its held-out
    fold."""
    fold: int
    """Train only once, with this fold (1 to folds) held out; 0 trains once for every fold."""
    batch_size: int
    """Rows per optimiser step, over all its micro-batches; a single row left over at an epoch's end joins the
    previous batch."""
    accumulate: int
    """Gradient accumulation: micro-batches that a batch is split into; the gradient is that of the whole batch."""
    workers: int | None
    """Worker processes that load data, or that environments step in; by default chosen for the machine. Results do
    not depend on it."""
    feed: Literal["auto", "resident", "streaming"]
    """Keep all rows in memory (resident) or stream them from disk; auto decides by size."""
    memory: str
    """Memory limit for resident data: a share of the free memory ("50%") or a size ("2GiB")."""
    augment: str
    """Augmentation: none, auto (the recipe's), or such as flip,crop=4; auto,generated=RUN,share=0.3 mixes in a run's
    samples."""
    balanced: bool
    """Sample training rows so that all classes are equally frequent."""
    bucket: bool
    """Batch sequences of similar length together (bucketing) to save padding; only which rows form a batch changes."""
    pretrained: str | PathLike[str] | None
    """Pre-trained weights: a .safetensors or .pth file, the folder of an earlier run, or imagenet (published ones)."""
    freeze: int | Literal["none", "backbone"]
    """What to freeze: backbone (all but the head), or the number of layers to freeze from the input on (a block is
    one layer)."""
    layer_decay: float
    """Layer-wise learning-rate decay: each layer's rate as a share of the next layer's; the head has the full rate."""
    optimizer: "Callable[..., object] | torch.optim.Optimizer | Literal['sgd', 'momentum', 'nesterov', 'rmsprop', 'adam', 'adamw', 'muon', 'adadelta', 'adafactor', 'adagrad', 'adamax', 'asgd', 'lbfgs', 'nadam', 'radam', 'rprop', 'sparseadam']"
    """Optimiser. Muon updates matrices and convolutions, AdamW the other parameters."""
    lr: float | Literal["auto"] | None
    """Peak learning rate; auto finds one with a range test. By default torch's own for torch's optimisers that are
    not ours."""
    weight_decay: float
    """Weight decay: decoupled for adamw and muon, an L2 penalty for the others; never on norms and biases."""
    momentum: float
    """Momentum factor of momentum, nesterov, rmsprop (where it is 0 by default) and muon (0.95 where that is named)."""
    beta1: float
    """Adam's decay rate of the first moment."""
    beta2: float
    """Adam's decay rate of the second moment; rmsprop's smoothing constant (alpha; 0.99 by default)."""
    eps: float
    """Added to the denominator in adaptive optimisers, for numerical stability."""
    schedule: "Callable[..., object] | torch.optim.lr_scheduler.LRScheduler | Literal['constant', 'step', 'cosine', 'linear', 'one-cycle', 'wsd', 'plateau']"
    """Learning-rate schedule; plateau lowers the rate when the monitored validation metric no longer improves."""
    schedule_every: Literal["step", "epoch"] | None
    """How often a scheduler of torch is stepped; by default as its documentation says: OneCycleLR and CyclicLR at
    every step."""
    warmup: float
    """Linear warm-up: a share of the run if below 1, else steps. one-cycle warms up for 0.3 of the run where none is
    given."""
    lr_floor: float
    """Final learning rate of schedules that decay, as a share of lr."""
    step_size: float
    """For the step schedule: divide the rate by ten after every such share of the run."""
    plateau_patience: int
    """For plateau: evaluations without improvement before the rate is lowered."""
    plateau_factor: float
    """For plateau: factor by which the rate is lowered, down to lr_floor."""
    decay: float
    """For wsd (warm-up, stable, decay): share of the run at its end in which the rate decays."""
    clip: float
    """Clip gradients to this norm; 0 for no clipping."""
    clip_value: float
    """Clip gradient entries to this absolute value; 0 for no clipping."""
    ema: float
    """Decay of an exponential moving average (EMA) of the weights, which is evaluated and saved instead of them; 0
    for none."""
    epochs: float | None
    """Passes over the training rows; by default the recipe's value."""
    steps: int | None
    """Number of optimiser steps."""
    environment_steps: int | None
    """Of an environment: steps in all of environments= together, which are converted to steps= exactly (the plan
    says how)."""
    time_limit: float | str | None
    """Wall-clock limit of the whole run, from start-up to report, such as 90s, 10m, 1h30m; at least one step is
    taken, except of what is still to be played."""
    monitor: str | None
    """Validation metric that selects the best checkpoint; by default the task's."""
    mode: Literal["min", "max"] | None
    """Whether the smallest or the largest value of the monitored metric is best; known of most metrics, needed for
    others."""
    patience: int | str
    """Early stopping after this many evaluations without improvement (evaluate_every= says how far apart they are),
    or this long ("10 epochs", "500 steps", "30m"); 0 for none."""
    stop_at: float | None
    """End the run once the validation metric that chooses the best checkpoint has reached this value; by default
    never."""
    evaluate_every: float | str
    """How often to evaluate on the validation rows: "0.5 epochs", "500 steps", "60s"; a bare number counts epochs."""
    log_every: int
    """Steps between lines in metrics.jsonl."""
    checkpoint_every: float | str
    """Checkpoint interval: "500 steps", "1 epoch", "60s" (then also at an epoch's end, after a twentieth of it)."""
    doctor: bool
    """Look for faults while training, and say what is wrong, where and what to do; it does not change the weights."""
    classical: bool
    """Fit a classical model too where that takes seconds (tables: boosted trees; texts: TF-IDF), to compare the
    network with."""
    silence: str | Sequence[str]
    """Findings by name that are kept as notes and not shown as warnings, such as overfitting."""
    device: "str | torch.device"
    """cpu, cuda, cuda:1, mps; auto uses a GPU if there is one."""
    precision: Literal["fp32", "bf16", "fp16"]
    """bf16 and fp16 use autocast; fp16 (CUDA only) scales the loss. A recipe's bf16 is kept only where it is clearly
    faster."""
    compile: bool
    """Compile the step with torch.compile; needs a C++ compiler on CPUs."""
    threads: int | None
    """CPU threads per operation (torch.set_num_threads); by default chosen by timing a few steps."""
    deterministic: bool
    """Use deterministic operations only, and stop where there is none (matters on GPUs)."""
    seed: int
    """Random seed of everything: splits, initialisation, shuffling, augmentation, dropout."""
    out: str | PathLike[str] | None
    """Run folder; by default runs/<data>-<model>-<n>."""
    fresh: bool
    """Delete the run that the folder already holds, and start over."""
    quiet: bool
    """Print errors only, and on the command line the run's folder at its end."""
    log: str | Sequence[str]
    """Also log to an experiment tracker: wandb, mlflow, or both; TensorBoard files are always written, to
    RUN/events."""
    debug: bool
    """Show the full traceback of an error, not only its one-line message."""
    trust_code: bool
    """Run the code of a network that a run folder names, also where it was never named on this machine."""
    image_size: int | None
    """Height and width that images are resized to, in pixels; by default chosen from the images."""
    pages: Literal["first", "channels"]
    """Pages of TIFF files: read the first of each, or all (grey) pages as the channels of one image."""
    clips: Literal["auto", "yes", "no"]
    """Whether arrays (rows, time, height, width) and animated pictures are clips; auto says on screen what they are
    taken for."""
    clip_frames: int | None
    """Frames of each clip that are read, the first ones; by default those of the shortest clip."""
    columns: str | Sequence[str]
    """Column names for a table without a header."""
    time: str | None
    """Timestamp column: validation and test rows are then the latest ones; found automatically for time series."""
    group: str | None
    """Group column, such as a patient ID: no group is in more than one split. It is not used as an input."""
    tokenizer: Literal["auto", "characters", "words", "bpe", "bytes"]
    """Tokenizer: characters, words, subwords (bpe), or byte-level subwords without unknown tokens (bytes)."""
    vocabulary: int
    """Maximum vocabulary size, the most frequent tokens of the training text; 0 chooses it from the text."""
    vocabulary_of: str | PathLike[str] | None
    """Run folder or tokenizer.json whose vocabulary to use; with pretrained=RUN by default that run's."""
    max_tokens: int
    """Maximum sequence length in tokens; longer rows are truncated, and their number is reported. 0 chooses it from
    the text."""
    source_language: str
    """Source language of a parallel corpus, as in its file suffix (en); by default English if it is one of the two."""
    target_language: str
    """Target language of a parallel corpus; by default the other of the two."""
    shared_vocabulary: bool
    """Use one vocabulary for both sides of a parallel corpus; names and numbers are then the same tokens on both."""
    pair: str | Sequence[str]
    """Two text columns to read as a pair, the first text first; by default found by their names (sentence1,
    sentence2), or the only two of text. none reads no pair."""
    labels: str | PathLike[str]
    """File name pattern of recordings, such as {label}_{speaker}_{take}; label is the target, split may name the
    split."""
    label_names: str | Sequence[str]
    """Names for labels, such as 0=zero 1=one: class names, or the transcripts for speech recognition."""
    held_out: str
    """Test recordings, by a part of their names or a column: take=0-4, or speaker=theo,jackson."""
    max_seconds: float
    """Longest recording in seconds: of longer ones only the beginning is read; with transcripts they are left out."""
    clip_seconds: float
    """Length in seconds at which sound is generated or encoded; by default that which 98 % of the training
    recordings keep to."""
    horizon: int | None
    """Forecast horizon in time steps; by default one season (24 hours, 7 days, 12 months)."""
    look_back: int | None
    """Input window in time steps; by default chosen from the horizon and the season."""
    known: str | Sequence[str]
    """Columns known in advance for the steps to be forecast, such as promotions, holidays and prices."""
    split_at: str | Sequence[str]
    """Where validation and test of a time series begin, and optionally where test ends: step numbers or dates."""
    environments: int
    """Environments side by side while training; by default as many as suit the task."""
    episodes: int
    """Episodes of each evaluation while training, in environments of their own."""
    test_episodes: int
    """Episodes of the evaluation at the end."""
    environment: str
    """Of a log: the environment that what was learned is evaluated in, as gym:NAME or env:MODULE:CLASS; none for
    held-out episodes; by default the one that the log names."""
    log_steps: int | None
    """Of a log that values are learned from: steps whose rewards are summed before the value of what follows is
    taken (n-step returns); by default 10 where actions are one of several, else 1."""
    environment_timeout: float
    """Seconds that a step or a reset of an environment may take before it counts as hanging; 0 for any time."""
    max_episode_steps: int | None
    """Steps after which an episode is truncated; by default the environment's own limit."""
    films: bool
    """Films of the best, the median and the worst episode at the end, for the report, where the environment draws
    frames."""
    frame_skip: int | None
    """Frames that an action lasts, of the last two of which the brighter of each pixel is seen; by default 4 of
    Atari, else 1 (Mnih et al. 2015)."""
    frame_stack: int | None
    """Pictures that an observation is made of, the newest last; by default 4 of Atari, else 1 (Mnih et al. 2015)."""
    frame_size: int | None
    """Height and width that pictures are scaled to, in pixels; by default 84 of Atari, else as they are (Mnih et al.
    2015)."""
    frame_colors: Literal["auto", "grey", "rgb"]
    """Whether pictures are seen in colours; by default grey of Atari, else as they are (Mnih et al. 2015)."""
    reward_clip: Literal["auto", "sign", "none"]
    """Learn from rewards of -1, 0 and 1 (sign), whatever the score; by default of Atari (Mnih et al. 2015). The
    score that is told is never clipped."""
    noop_starts: int | None
    """Atari: fewer than so many frames, drawn, pass before the first action; by default 30 (Mnih et al. 2015)."""
    sticky_actions: float
    """Atari: probability that a frame repeats the action before it; 0.25 in Machado et al. 2018, who take it in
    place of noop_starts=."""
    all_actions: bool
    """Atari: choose among all 18 actions, and not only those that do something in this game (Machado et al. 2018)."""
    ignore_lives: bool
    """Atari: learn across lost lives; by default one ends what is learned from, and the game goes on (Mnih et al.
    2015)."""
    opponents: str | Sequence[str]
    """Of games, whom to play against in evaluations: random, one-ply, mcts-N (N random games for a move), minimax,
    earlier; by default random, one-ply, mcts-100, earlier, and minimax where the game is small."""
    hidden: int | Sequence[int]
    """model mlp: Units of each hidden layer, in order; none gives a linear model. models policy-mlp, policy-gru,
    policy-value-mlp: Units of each hidden layer. model autoencoder-mlp: Units of the encoder's hidden layers, in
    order; the decoder has the same in reverse. None gives a linear one."""
    activation: Literal["relu", "leaky-relu", "gelu", "silu", "sigmoid", "tanh", "softmax", "gelu-tanh", "swiglu"]
    """models mlp, autoencoder-mlp: Activation after each hidden layer. model lenet5: Activation: tanh as in the
    paper, or relu. models gpt-small, gpt-baby, gpt2, gpt2-medium and 2 more: GELU: the tanh approximation, as in
    GPT-2, or exact. model text-transformer: Activation inside each MLP. model policy-mlp: What follows each
    layer."""
    dropout: float | None
    """models mlp, tabular, nhits: Dropout after each hidden layer. model alexnet: Dropout before each of the two
    hidden fully connected layers. models vgg11, vgg11-bn, vgg13, vgg13-bn and 4 more: Dropout after each of the
    two hidden fully connected layers. models googlenet, inception-v3: Dropout before the last layer. models
    mobilenet-v2, mobilenet-v3-small, mobilenet-v3-large: Dropout before the head. models efficientnet-b0,
    efficientnet-b1, efficientnet-b2, efficientnet-b3 and 5 more: Dropout before the head; by default 0.2 (b0) to
    0.5 (b7), as published. models vit-tiny-16, vit-small-8, vit-small-14, vit-small-16 and 7 more: Dropout after
    the positions, each attention and both layers of each MLP. models gpt-small, gpt-baby, gpt2, gpt2-medium and 6
    more: Dropout after the embeddings and of each residual branch. models modern-gpt, modern-bert: Dropout after
    the embedding and of each residual branch. model patchtst: Dropout after the positions and of each attention
    and MLP. models lstm-forecaster, gru-forecaster: Dropout of the last hidden state before the linear layer.
    models rnn, lstm, gru, bilstm and 1 more: Dropout of the embeddings, between layers and before the head. model
    text-cnn: Dropout of the pooled features, and half as much of the embeddings. model tcn: Dropout of the
    embeddings, after each convolution and before the head. model text-transformer: Dropout after positions,
    attention and MLPs, and before the head. models rnn-lm, lstm-lm, gru-lm: Dropout of the embeddings, between
    layers and before the head, not on the recurrent connections. model graph-network: Dropout after each layer
    and before the head. model structure-network: Dropout of the residue embedding and of each residual branch.
    model torsion-network: Dropout of the residue embedding, between layers and before the head. models
    inverse-folding-network, speech-conformer-tiny, speech-conformer-small, speech-transformer: Dropout of each
    residual branch. model audio-cnn: Dropout of the pooled features. models seq2seq-gru, seq2seq-lstm: Dropout
    after the embeddings, between layers and before the output. models bert-tiny, bert-mini, bert-small, bert-base
    and 1 more: Dropout after the embeddings, of each residual branch, and before the head. model pair-reader:
    Dropout after the embeddings, in each convolution, and before the head. models denoiser-unet, denoiser-video:
    Dropout rate inside the residual blocks. model realnvp-mlp: Dropout rate inside the couplings. model
    qa-reader: Dropout after the embeddings and in each convolution."""
    norm: Literal["none", "batch", "layer", "pre", "post"]
    """model mlp: Normalisation between a hidden layer and its activation. models transformer-tiny,
    transformer-small, transformer-base, transformer-big: Layer norm: pre (before each sub-layer, more stable) or
    post (after each residual sum, as in the paper)."""
    init: Literal["he", "xavier", "orthogonal", "truncated-normal", "torch", "auto"]
    """model mlp: Weight initialisation; auto is he for the ReLU family, xavier for saturating activations."""
    pool: Literal["max", "average", "token", "mean", "last"]
    """model lenet5: Pooling: average as in the paper, or max. models vit-tiny-16, vit-small-8, vit-small-14,
    vit-small-16 and 7 more: Pooling before the head: the class token, or the mean over all patches. models rnn,
    lstm, gru, bilstm and 1 more: Pooling over time before the head: the last hidden state (of the backward
    direction the first), mean or max. model tcn: Pooling over time before the head: last step, mean or max. model
    text-transformer: Pooling before the head: a class token, or the mean over all tokens."""
    widths: int | Sequence[int]
    """model compact-cnn: Channels of each stage; by default 32 128 128 for colour images and 16 32 64 for grey ones.
    models unet-small, unet: Channels at each resolution, from full resolution down by halves. By default those of
    the model's size. model audio-cnn: Channels of each stage; every stage halves the mel bands and, but for the
    first, the frames. models denoiser-unet, denoiser-video: Channels at each resolution, from full resolution
    down by halves; multiples of 8. model policy-impala: Channels of each section, which halves height and width;
    32 64 64 is usual for larger ones (Cobbe et al. 2020). model dcgan: Channels after each halving, from full
    resolution down; none: 64, then doubled, down to a side of at most 8 pixels. model autoencoder-cnn: Channels
    after each halving of the resolution."""
    layers: int | None
    """model compact-cnn: 3x3 convolutions in each stage. model tabular: Hidden layers. models unet-small, unet: 3x3
    convolutions at each resolution, in the encoder and in the decoder. models modern-gpt, modern-bert,
    denoiser-transformer: Transformer blocks. models patchtst, text-transformer: Transformer layers. models
    lstm-forecaster, gru-forecaster, rnn, lstm and 6 more: Recurrent layers, stacked. model tcn: Residual blocks
    of two convolutions, dilated by 1, 2, 4, …: each further block doubles the receptive field. model
    graph-network: Layers of message passing; the receptive field of an atom is as many bonds. model
    structure-network: Blocks of triangle updates on the pairs (Evoformer). model torsion-network: Recurrent
    layers. model inverse-folding-network: Layers of message passing between neighbours. models
    speech-conformer-tiny, speech-conformer-small, speech-transformer: Conformer or transformer blocks; by default
    as many as the model's name stands for. models seq2seq-gru, seq2seq-lstm: Recurrent layers of the encoder and
    of the decoder. models denoiser-unet, denoiser-video: Residual blocks at each resolution, in the encoder and
    in the decoder. model denoiser-mlp: Residual blocks. model policy-value-resnet: Residual blocks, of two
    convolutions each. model gan-mlp: Hidden layers of the generator, and of the critic. model autoencoder-cnn:
    Residual blocks at the lowest resolution, in the encoder and in the decoder. model realnvp-mlp: Couplings,
    each behind an activation normalisation and a mix of all columns. model glow: Affine couplings at each
    resolution, each behind an activation normalisation and a mix of all channels."""
    members: int
    """model tabular: Members of the ensemble; they share weight matrices, and their predictions are averaged."""
    width: int
    """model tabular: Units of each hidden layer. models resnet20, resnet32, resnet44, resnet56 and 3 more: Channels
    of the first of the three stages; each further stage has twice as many. models modern-gpt, patchtst,
    text-transformer, modern-bert: Embedding width (channels of each token). model nbeats: Units of each of a
    block's four hidden layers. model nhits: Units of each of a block's two hidden layers. models lstm-forecaster,
    gru-forecaster: Hidden size of each recurrent layer. models rnn, lstm, gru, bilstm and 1 more: Hidden size of
    each layer, per direction. model text-cnn: Filters of each kernel size. model tcn: Channels of every layer.
    models rnn-lm, lstm-lm, gru-lm: Hidden size of each layer. model graph-network: Channels of each atom. model
    torsion-network: Hidden size of each recurrent layer, per direction. model inverse-folding-network: Channels
    of each residue (node) and each pair of neighbours (edge). models seq2seq-gru, seq2seq-lstm: Hidden size of
    the decoder; the bidirectional encoder has half of it per direction. models pair-reader, qa-reader: Hidden
    width (channels of each token). model denoiser-transformer: Channels of a patch. models denoiser-mlp, gan-mlp:
    Units of each layer. model policy-gru: Numbers that are remembered from one step to the next. model
    policy-value-resnet: Planes of each layer. model realnvp-mlp: Units of the hidden layers in each coupling.
    model glow: Channels of the hidden layers in each coupling."""
    number_embedding: Literal["piecewise", "periodic", "none"]
    """model tabular: Embedding of numerical columns: piecewise linear (training quantiles), periodic (learned
    frequencies), or none."""
    embedding: int
    """model tabular: Embedding width of each numerical column. models rnn, lstm, gru, bilstm and 3 more: Embedding
    width of tokens, or of the values of a step. models rnn-lm, lstm-lm, gru-lm, seq2seq-gru and 3 more: Embedding
    width. model torsion-network: Embedding width of residues."""
    stem: Literal["auto", "imagenet", "small"]
    """models resnet18, resnet34, resnet50, resnet101 and 13 more: First layers: imagenet (7x7 by stride 2,
    max-pool), small (3x3), or auto: small up to 64 pixels. model alexnet: First convolution: imagenet (11x11 by
    stride 4), small (5x5 by stride 1), or auto: small up to 64 pixels. models vgg11, vgg11-bn, vgg13, vgg13-bn
    and 4 more: Max-pools: imagenet (after each of five stages), small (not after the first), or auto: small up to
    64 pixels. model inception-v3: First layers: imagenet (1/8 resolution), small (1/2, and edges padded), or
    auto: small below 75 pixels. models mobilenet-v2, mobilenet-v3-small, mobilenet-v3-large, efficientnet-b0 and
    8 more: First layers: imagenet (downsample twice), small (not at all), or auto: small up to 64 pixels. models
    convnext-tiny, convnext-small, convnext-base, convnext-large: First layer: imagenet (patches of 4 pixels),
    small (of 2), or auto: small up to 64 pixels."""
    zero_init_residual: bool
    """Start each block as the identity by a zero scale in its last norm (Goyal et al. 2017, arXiv:1706.02677)."""
    auxiliary: bool
    """model googlenet: Add two auxiliary classifiers to the training loss. model inception-v3: Add an auxiliary
    classifier to the training loss."""
    auxiliary_dropout: float
    """model googlenet: Dropout inside each auxiliary classifier."""
    layer_dropout: float
    """models densenet121, densenet169, densenet201, densenet161: Dropout after each dense layer; the paper uses 0.2
    on data without augmentation."""
    width_factor: float
    """model mobilenet-v2: Width multiplier: factor on the channels of every layer (below 1, not the last), rounded
    to multiples of 8."""
    norm_momentum: float | None
    """models mobilenet-v3-small, mobilenet-v3-large: Momentum of batch norm's running statistics. models
    efficientnet-b0, efficientnet-b1, efficientnet-b2, efficientnet-b3 and 5 more: Momentum of batch norm's
    running statistics; by default 0.01 in b5 to b7, else 0.1."""
    stochastic_depth: float | None
    """models efficientnet-b0, efficientnet-b1, efficientnet-b2, efficientnet-b3 and 5 more: Stochastic depth: drop
    probability at the end of the network, rising linearly from 0 at the first block. models convnext-tiny,
    convnext-small, convnext-base, convnext-large: Stochastic depth: drop probability of the last block, rising
    linearly from 0; by default 0.1 (tiny) to 0.5 (large). models vit-tiny-16, vit-small-8, vit-small-14,
    vit-small-16 and 7 more: Stochastic depth: drop probability of the last block, rising linearly from 0 at the
    first."""
    patch: int | Literal["auto"]
    """models vit-tiny-16, vit-small-8, vit-small-14, vit-small-16 and 7 more: Patch size in pixels; auto: that in
    the model's name, or 4 for images up to 64 pixels. model patchtst: Length of a patch (one token) in steps.
    models denoiser-unet, denoiser-video: Side of the patches that pixels are gathered in as channels: 2 costs a
    quarter of 1. model denoiser-transformer: Side of the patches, in pixels."""
    registers: int
    """Register tokens: learned tokens of no patch (Darcet et al. 2023, arXiv:2309.16588)."""
    pyramid_width: int
    """models detector-tiny, detector-small, detector-resnet18, detector-resnet50: Channels of the feature pyramid
    and the heads, a multiple of 8; 0 for the model's default."""
    head_layers: int
    """models detector-tiny, detector-small, detector-resnet18, detector-resnet50: 3x3 convolutions in each of the
    two branches of the head; 0 for the model's default."""
    head_dropout: float | None
    """models fcn-resnet50, fcn-resnet101, deeplabv3-resnet50, deeplabv3-resnet101: Dropout before the last
    convolution; by default 0.5 in DeepLab's pyramid and 0.1 in FCN. model patchtst: Dropout before the last
    linear layer."""
    bias: bool
    """Biases of linear layers and layer norms, as in GPT-2."""
    heads: int
    """models modern-gpt, modern-bert: Attention heads, of width / heads channels each. models patchtst,
    denoiser-transformer: Attention heads. model text-transformer: Attention heads; must divide width=. models
    denoiser-unet, denoiser-video: Attention heads at the lowest resolution, and between the frames of clips; 0
    for no attention."""
    kv_heads: int
    """model modern-gpt: Key-value heads (grouped-query attention); fewer than heads= give a smaller cache, 0 as
    many."""
    kernel: int
    """model dlinear: Kernel of the moving average that extracts the trend, in steps; an odd number. model tcn:
    Kernel size in steps."""
    individual: bool
    """models dlinear, nlinear: Use separate weights for each variable instead of shared ones (individual)."""
    basis: Literal["generic", "interpretable"]
    """model nbeats: Basis of the blocks: generic (learned), or interpretable (polynomial trend, then Fourier
    seasonality)."""
    stacks: int
    """model nbeats: Stacks of the generic architecture; the interpretable one has two."""
    blocks: int
    """model nbeats: Blocks per stack; those of an interpretable stack share weights."""
    theta: int
    """model nbeats: Expansion coefficients of a generic block, for backcast and forecast each."""
    degree: int
    """model nbeats: Degree of the trend polynomial."""
    pool_kernels: int | Sequence[int]
    """model nhits: Kernel of the max-pooling at each block's input, in steps."""
    downsample: int | Sequence[int]
    """model nhits: Downsampling of each block's forecast: steps per coefficient, interpolated linearly in between."""
    patch_stride: int
    """model patchtst: Stride between patches in steps."""
    mlp_width: int
    """model patchtst: Hidden channels of each layer's MLP."""
    word_dropout: float
    """Word dropout: share of tokens replaced by the unknown token in training."""
    kernels: int | Sequence[int]
    """model text-cnn: Kernel sizes in tokens, one parallel convolution each."""
    mlp_ratio: int
    """model text-transformer: Hidden channels of a layer's MLP, as a multiple of width=."""
    positions: Literal["sinusoidal", "learned", "rotary", "alibi", "none"]
    """model text-transformer: Position encoding: sinusoidal, learned, rotary (RoPE), or attention biases by distance
    (ALiBi), which do not distinguish left from right."""
    pre_norm: bool
    """model text-transformer: Pre-norm (layer norm before attention and MLP); otherwise post-norm, as in Vaswani et
    al. 2017."""
    tied: bool | Literal["all", "output", "none"]
    """models rnn-lm, lstm-lm, gru-lm: Whether the head's matrix is that of the embeddings (Press and Wolf 2016,
    arXiv:1608.05859); needs equal widths. models transformer-tiny, transformer-small, transformer-base,
    transformer-big: Weight tying: target embedding and output layer, or all embeddings, which needs one
    vocabulary for both sides."""
    pair_width: int
    """model structure-network: Channels of the pair representation."""
    residue_width: int
    """model structure-network: Channels of the single (per-residue) representation."""
    neighbours: int
    """model inverse-folding-network: Nearest neighbours of each residue in the graph (k)."""
    noise: float
    """model inverse-folding-network: Standard deviation, in ångström, of Gaussian noise added to the backbone
    coordinates in training."""
    mels: int
    """models audio-cnn, speech-conformer-tiny, speech-conformer-small, speech-transformer: Mel bands of the
    spectrogram."""
    hop_ms: float
    """model audio-cnn: Hop length of the spectrogram in milliseconds."""
    subsampling: int | Literal["auto"]
    """models speech-conformer-tiny, speech-conformer-small, speech-transformer: Subsampling of the 10 ms frames: 2
    or 4; auto is 2 where no recording reaches 3 seconds."""
    attention: Literal["bahdanau", "luong"]
    """models seq2seq-gru, seq2seq-lstm: Attention: additive, from the decoder's state before each token (Bahdanau),
    or multiplicative, after it (Luong)."""
    max_positions: int
    """Number of learned position embeddings: the longest row in tokens, the class token included."""
    frequent_tokens: int
    """models pair-reader, qa-reader: Vocabulary: the most frequent tokens with an embedding each; the others share
    one."""
    features: int
    """models policy-cnn, policy-impala: Units of the layer behind the convolutions."""
    noise_size: int
    """models dcgan, gan-mlp: Numbers of noise that an input is made of."""
    coupling: Literal["spline", "affine"]
    """model realnvp-mlp: How a coupling changes half of the columns: bends each by a spline (neural spline flow), or
    scales and shifts (RealNVP)."""
    levels: int
    """model glow: How often the sides are halved; 0 for as often as they can be, at most 3 times."""
    loss: Callable[..., object] | Literal["cross-entropy", "focal", "perceptron", "squared-error", "mse", "mae", "huber", "log-cosh", "dice", "both", "quantile"]
    """task classification: Loss function; squared-error is computed on the probabilities, perceptron is the
    perceptron rule (Rosenblatt 1958). task regression: Loss function, on standardised targets. task segmentation:
    Loss function: cross-entropy of the pixels, Dice of the classes, or the sum of both. task forecasting: Loss
    function, on standardised values; quantile also learns prediction intervals around the forecast."""
    label_smoothing: float
    """task classification: Label smoothing: share of each target spread uniformly over all classes; for
    cross-entropy. task inverse-folding: Label smoothing: share of each target spread uniformly over all residue
    types. task translation: Label smoothing: share of each target token spread uniformly over the vocabulary."""
    class_weights: float | Sequence[float | Literal["balanced", "none"]] | Sequence[float] | Literal["balanced", "none"]
    """task classification: Class weights of the loss: balanced (inversely proportional to class frequency), or one
    number per class (or label). A row counts by its own class, also with label smoothing (as in Keras, not as in
    torch). task segmentation: Class weights of the cross-entropy, one number per class."""
    focal_gamma: float
    """task classification: Focusing parameter (gamma) of the focal loss, which down-weights well-classified rows; 0
    is cross-entropy."""
    threshold: float | Literal["auto"]
    """task classification: Probability from which on the second of two classes, or a label, is predicted; auto
    maximises F1 on validation."""
    mirrored: bool
    """task classification: Average predictions over each image and its horizontal flip (test-time augmentation);
    takes twice as long. task segmentation: Average predictions over horizontal and vertical flips (test-time
    augmentation); takes four times as long."""
    huber_delta: float
    """task regression: Error, in standard deviations of the target, above which the Huber loss is linear. task
    forecasting: Error, in standard deviations, above which the Huber loss is linear."""
    box_weight: float
    """task detection: Weight of the box loss relative to the classification loss."""
    quality_power: float
    """task detection: Exponent (beta) of the quality focal loss, which down-weights cells already right; 0 is
    cross-entropy."""
    cells_per_object: int
    """task detection: Positive cells (anchor points) assigned to each object in training, at most."""
    nms_overlap: float
    """task detection: IoU above which non-maximum suppression (NMS) drops the lower-scored of two detections of a
    class."""
    most_objects: int
    """task detection: Most detections per image, the highest scores first."""
    score_threshold: float | Literal["auto"]
    """task detection: Score from which on a detection is shown; auto maximises F1 on validation."""
    batch_dice: bool
    """task segmentation: Compute Dice over the whole batch instead of each image, more stable for rare classes;
    accumulate= then changes it."""
    gap_weight: float
    """task segmentation: With instance masks: extra weight of pixels where two objects touch, trained as background;
    0 turns this off."""
    mask_threshold: float
    """task segmentation: Probability from which on the second of two classes is predicted."""
    boundary_tolerance: int
    """task segmentation: Tolerance of boundary F1: pixels that a predicted boundary may be off the true one."""
    smallest_object: int
    """task segmentation: Connected components of fewer pixels are not counted as objects."""
    contact_distance: float
    """task structure: Distance in ångström below which two residues are in contact."""
    temperature: float
    """task simclr: Temperature of the contrastive loss (NT-Xent): lower weights hard negatives more."""
    projection: int
    """task simclr: Output size of the projection head, which is discarded after pretraining."""
    mask_share: float
    """task masked-autoencoder: Share of the patches that are masked."""
    decoder_width: int
    """task masked-autoencoder: Channels of the decoder, which is discarded after pretraining; a multiple of its 4
    heads."""
    decoder_depth: int
    """task masked-autoencoder: Transformer blocks of the decoder."""
    noise_schedule: Literal["cosine", "linear", "edm"]
    """task diffusion: How much noise rows get in training: cosine or linear (DDPM) schedule, or log-normal (EDM).
    task masked-diffusion: Share of the tokens that is masked at each time: linear, or cosine, by which sampling
    begins with fewer tokens a step."""
    predicts: Literal["v", "noise", "input"]
    """task diffusion: What the network predicts: velocity v (with inputs of variance 1 the preconditioning of EDM),
    the noise, or the input."""
    class_dropout: float
    """tasks diffusion, flow-matching: Share of the training rows whose class is hidden, which classifier-free
    guidance needs."""
    latent: str | PathLike[str] | int
    """tasks diffusion, flow-matching: A run of vae, autoencoder or vq-vae on such data, whose codes are learned
    instead of inputs (latent diffusion). tasks autoencoder, vae, anomaly: Numbers that a row is encoded as: the
    bottleneck."""
    pairing: Literal["random", "optimal"]
    """task flow-matching: Which noise goes to which row: at random (rectified flow), or by minibatch optimal
    transport (shorter paths)."""
    times: Literal["uniform", "logit-normal"]
    """tasks flow-matching, diffusion-forecasting: How times are drawn in training: evenly, or more often in the
    middle (logit-normal)."""
    gan_loss: Literal["hinge", "non-saturating", "wgan-gp"]
    """task gan: What generator and critic minimise: hinge has a critic with spectral norm, wgan-gp one with a
    gradient penalty."""
    critic_norm: Literal["auto", "spectral", "none"]
    """task gan: Spectral norm holds the largest singular value of each layer of the critic at 1; auto takes it for
    hinge."""
    r1: float
    """task gan: Weight of the R1 penalty, half the squared gradient of the critic at real rows; 0 for none. 0.1 to
    10 are usual."""
    gradient_penalty: float | None
    """task gan: Weight of the gradient penalty between real and made rows; for wgan-gp alone, 10 by default."""
    critic_steps: int | None
    """task gan: Updates of the critic for each of the generator; by default 5 for wgan-gp, else 1."""
    critic_lr: float | None
    """task gan: Learning rate of the critic; by default that of lr."""
    by_class: bool
    """task gan: Make rows of a class where the data have classes: the generator is told which, and the critic judges
    rows as that."""
    latent_channels: int
    """tasks autoencoder, vae: Of images: a map with so many channels as the code, instead of latent= numbers, for
    latent diffusion; 0 for none."""
    corrupt: float
    """task autoencoder: Denoising: how much inputs are disturbed before they are encoded, in training; the loss asks
    for the clean ones. task anomaly: How much inputs are disturbed before they are encoded, in training; the loss
    asks for the clean ones."""
    corruption: Literal["noise", "mask"]
    """tasks autoencoder, anomaly: How: normal noise of deviation corrupt= (1 is that of the data), or the share
    corrupt= of the values set to 0."""
    sparsity: float
    """task autoencoder: Sparse autoencoder: weight of the penalty on numbers of the code that are not 0."""
    beta: float
    """task vae: Weight of the divergence from the prior in the loss; above 1 numbers of the code tend to mean one
    thing each."""
    free_bits: float
    """task vae: Nats of each number of the code that cost nothing, against codes that are not used; 0 for none."""
    likelihood: Literal["gaussian", "bernoulli"]
    """task vae: What the decoder's outputs mean: values with noise whose deviation is learned, or probabilities of
    white pixels."""
    binarise: Literal["auto", "dynamic", "threshold", "none"]
    """task vae: With likelihood="bernoulli": pixels become 0 or 1 by chance anew each time (dynamic), or at one half
    (threshold). auto is dynamic then; none takes grey pixels as they are, for which the bound is no likelihood."""
    importance: int
    """task vae: Samples a row of the importance-weighted bound, which final evaluations report beside the ELBO; 0
    for none."""
    quantiser: Literal["ema", "fsq"]
    """task vq-vae: ema: a codebook whose codes follow the means of what chose them; fsq: a fixed grid, finite scalar
    quantisation."""
    codes: int
    """task vq-vae: Codes of the codebook (quantiser="ema")."""
    code_width: int
    """task vq-vae: Numbers of a code (quantiser="ema")."""
    codebook_decay: float
    """task vq-vae: Share of the codebook's averages that a step keeps; 0 makes each step one of k-means."""
    restart_below: float
    """task vq-vae: A code that is chosen less than this share as often as the mean code starts anew from a vector;
    0: never."""
    commitment: float
    """task vq-vae: Weight of the distance between what is encoded and its code, which keeps the encoder near the
    codebook."""
    fsq_levels: int | Sequence[int]
    """task vq-vae: Levels of each number of a code (quantiser="fsq"); their product is the number of codes."""
    normal: str | Sequence[str]
    """task anomaly: Classes that are normal; only their rows are trained on, and all others are anomalies."""
    anomalous: str | Sequence[str]
    """task anomaly: Classes that are anomalies, instead of normal=; only rows of the others are trained on."""
    false_alarms: float
    """task anomaly: Share of normal rows that may be called anomalies: the threshold is that quantile of held-out
    normal rows."""
    score: Literal["neighbours", "reconstruction"]
    """task anomaly: What tells anomalies: how far a row is from the normal training rows nearest to it, or how badly
    it is given back."""
    contrast: float
    """task anomaly: Of images and neighbours: how much the encoder also learns to know an image again that was bent
    a little; 0 for not."""
    stretch: int
    """task anomaly: Of neighbours in rows of steps: so many steps are compared together, wherever they are; 0
    compares whole rows."""
    outlier_share: float
    """task normalizing-flow: Share of the density, of rows of numbers, that is that of independent columns: rows
    unlike all others cost no more."""
    components: int
    """task normalizing-flow: Gaussians in the distribution that rows of numbers are turned into; 1 is the standard
    normal one."""
    mixture: int
    """task normalizing-flow: Gaussians, at most, of a mixture beside the flow, with the share that makes validation
    rows likeliest; 0 for none."""
    marginals: Literal["bent", "straight"]
    """task normalizing-flow: How numbers of a table are fed: each column bent to be normal, or in standard
    deviations, which keeps what is linear."""
    discount: float
    """What a reward a step later is worth."""
    rollout: int
    """tasks ppo, a2c: Actions in each environment between updates."""
    reuse: int
    """task ppo: Passes over the transitions of a rollout."""
    gae_lambda: float
    """tasks ppo, a2c: How far advantages look: 0 at the next value only, 1 at all rewards to come (generalised
    advantage estimation)."""
    clip_range: float
    """task ppo: How far the probability of an action may move in an update, as a share, before it earns nothing
    more."""
    value_clip_range: float | None
    """task ppo: How far a value may move in an update before it earns nothing more, in rewards as they are scaled;
    by default any."""
    scale_advantages: bool
    """tasks ppo, a2c: Standardise advantages in each batch."""
    target_kl: float | None
    """task ppo: End the passes over a rollout once the policy moved 1.5 times so far from it (KL divergence); by
    default never."""
    value_weight: float
    """tasks ppo, a2c, reinforce: Weight of the value's squared error. task alphazero: Weight of the loss of the
    game's end beside that of the policy."""
    entropy_weight: float
    """tasks ppo, a2c, reinforce: Weight of the policy's entropy: more of it explores more."""
    scale_observations: bool
    """Scale observations that are numbers by their running mean and standard deviation."""
    scale_rewards: bool
    """tasks ppo, a2c, reinforce: Divide rewards by the running standard deviation of their discounted sum."""
    share_layers: bool
    """task ppo: Let the value read the same features as the policy; by default of pixels."""
    act_sampled: bool
    """tasks ppo, a2c, reinforce, sac: Evaluate with sampled actions, as in training, and not with the likeliest.
    task dqn: Evaluate with as many random actions as in training, and not with the best alone. task td3: Evaluate
    with noisy actions, as in training, and not with the policy's own. task cloning: Act by drawn actions, and not
    by the likeliest."""
    baseline: bool
    """task reinforce: Compare what an episode returned with what was expected, which a second network learns."""
    rollout_episodes: int
    """task reinforce: Episodes of each environment for an update."""
    replay: int
    """tasks dqn, sac, td3: Transitions that are kept to learn from."""
    warmup_steps: int
    """tasks dqn, sac, td3: Steps of the environments, by random actions, before the first update."""
    train_every: int
    """tasks dqn, sac, td3: Steps of the environments for an update."""
    updates_together: int
    """tasks dqn, sac, td3: Updates that follow one another, after as many times train_every= steps in which the
    policy stays the same."""
    return_steps: int
    """tasks dqn, sac, td3: Steps whose rewards are summed before the value of what follows is taken (n-step
    returns)."""
    double: bool
    """tasks dqn, cql: Let the network choose the best next action, and the target network only say what it is worth."""
    dueling: bool
    """tasks dqn, cql: Estimate the value of a state and what each action adds to it apart."""
    quantiles: int | float | Sequence[float]
    """task dqn: Estimate so many quantiles of the return, and not only its mean (QR-DQN); 0 for the mean. task
    forecasting: Quantiles that loss="quantile" learns; 0.5 is the forecast itself. task diffusion-forecasting:
    Quantiles of the sample paths that are reported; 0.5 is the forecast itself."""
    atoms: int
    """task dqn: Estimate how likely each of so many returns within value_range= is (C51: 51); 0 for the mean alone."""
    value_range: float | Sequence[float]
    """task dqn: The least and the greatest discounted return that can be expected, for atoms=."""
    priority: float
    """task dqn: Draw transitions in proportion to this power of how far off their value was (prioritised replay:
    0.6); 0 for all alike."""
    priority_correction: float | None
    """task dqn: How far losses are weighted to make up for priority=, at first, by default 0.4: 1 for wholly, to
    which it rises."""
    priority_updates: int | None
    """task dqn: Updates over which priority_correction= rises to 1, by default 25,000."""
    target_every: int
    """tasks dqn, cql: Updates after which the target network becomes like the network."""
    explore_last: float
    """task dqn: Share of random actions after exploration; it falls to that from 1."""
    explore_steps: int
    """task dqn: Steps of the environments over which the share of random actions falls."""
    follow_share: float
    """task sac: How far the target networks move towards the networks at each update. task td3: How far the target
    networks move towards the networks each time. task cql: Actions that are numbers: how far the target networks
    move towards the networks at each update."""
    target_entropy: float | None
    """task sac: Entropy of actions that is aimed at, in nats; by default minus the number of numbers in an action.
    task cql: Actions that are numbers: entropy of the policy's actions that is aimed at, in nats; by default
    minus their number."""
    policy_every: int
    """task td3: Updates of the critics for one of the policy and of the target networks (delayed policy)."""
    explore_noise: float
    """task td3: Standard deviation of what is added to actions while training, in halves of their range."""
    smooth_noise: float
    """task td3: Standard deviation of what is added to the actions that targets are taken of, in halves of their
    range."""
    smooth_limit: float
    """task td3: The most of smooth_noise= that is added."""
    cloning_loss: Literal["likelihood", "mse"]
    """task cloning: How logged actions are followed: by their log-likelihood, of numbers under a Gaussian; or, of
    numbers alone, by the mean squared error, by which they are then judged too."""
    conservative: float
    """task cql: Weight of keeping actions that the log does not take below those that it takes, whatever rewards
    count in; 0 for Q-learning alone."""
    drawn_actions: int
    """task cql: Actions that are numbers: how many are drawn of each kind, any and the policy's, to find what all
    together are worth (Kumar et al. 2020, appendix F)."""
    search: Literal["gumbel", "puct"]
    """task alphazero: How a move is searched: moves drawn without replacement and sequential halving (Gumbel), which
    needs few simulations, or upper confidence bounds with noise at the root (PUCT)."""
    simulations: int
    """task alphazero: Leaves that are looked at for a move that is learned from, and for each move of an evaluation."""
    considered: int
    """task alphazero: Moves that a Gumbel search looks at in the root, at most."""
    quick_simulations: int | None
    """task alphazero: Leaves that are looked at for a move that is only played (playout cap randomisation); by
    default 16, or simulations= where that is fewer."""
    full_share: float
    """task alphazero: Share of moves that are searched in full and learned from."""
    random_moves: int
    """task alphazero: Random moves that a game of self-play begins with, at most; how many is drawn for each."""
    drawn_moves: int
    """task alphazero: Moves of a game, its first, that PUCT draws by how often the search followed them."""
    window: int
    """task alphazero: Positions that are kept to learn from."""
    position_reuse: float
    """task alphazero: Times that each position is learned from, on average."""
    symmetries: bool
    """task alphazero: Turn and mirror boards at random while learning, where the game stays the same."""
    paths: int
    """task diffusion-forecasting: Sample paths of each forecast in an evaluation, for quantiles and the CRPS; an
    even number from 20."""
    sampling_steps: int
    """task diffusion-forecasting: Steps in which noise becomes a path (midpoint method); more are slower and more
    exact."""
    noises: int
    """task diffusion-forecasting: Noises drawn for each window in a training step."""
    path_every: int
    """task diffusion-forecasting: Steps after each of which the network that makes the paths is trained once; the
    forecast is at every step."""
    path_width: int
    """task diffusion-forecasting: Width of the network that makes the paths, a multiple of 4."""
    path_layers: int
    """task diffusion-forecasting: Blocks of the network that makes the paths."""
    hidden_share: float
    """task masked-language-model: Share of the tokens selected for prediction (masking probability)."""
    longest_answer: int
    """task question-answering: Most tokens of a predicted answer."""
    stride: int
    """task question-answering: Tokens between the starts of two windows of a long text (doc stride); windows have
    max_tokens= tokens."""
    null_threshold: float
    """task question-answering: How far the log probability of no answer must lie above that of the best one before
    none is given (SQuAD 2.0)."""
    carry: bool
    """task language-model: Recurrent networks: carry the hidden state over from batch to batch, which continue one
    another (stateful training)."""
    beam: int
    """task translation: Beam width of the final evaluation and of predict; 1 is greedy decoding (the most probable
    token each time). task speech-recognition: Beam width of the final evaluation and of predict; 1 is greedy
    decoding (the most probable symbol of each frame)."""
    length_penalty: float
    """task translation: Length penalty (alpha): log probabilities are divided by ((5 + tokens) / 6) ** alpha, which
    favours longer translations."""
    quick_share: float
    """task translation: Share of the validation rows translated (greedily) in evaluations during training; the final
    one translates all."""


class FitKeywords(TypedDict, total=False):
    """Settings of `sonde.fit`."""

    batch_size: int
    """Rows per optimiser step, over all its micro-batches; a single row left over at an epoch's end joins the
    previous batch."""
    accumulate: int
    """Gradient accumulation: micro-batches that a batch is split into; the gradient is that of the whole batch."""
    workers: int | None
    """Worker processes that load data, or that environments step in; by default chosen for the machine. Results do
    not depend on it."""
    memory: str
    """Memory limit for resident data: a share of the free memory ("50%") or a size ("2GiB")."""
    optimizer: "Callable[..., object] | torch.optim.Optimizer | Literal['sgd', 'momentum', 'nesterov', 'rmsprop', 'adam', 'adamw', 'muon', 'adadelta', 'adafactor', 'adagrad', 'adamax', 'asgd', 'lbfgs', 'nadam', 'radam', 'rprop', 'sparseadam']"
    """Optimiser. Muon updates matrices and convolutions, AdamW the other parameters."""
    lr: float | Literal["auto"] | None
    """Peak learning rate; auto finds one with a range test. By default torch's own for torch's optimisers that are
    not ours."""
    weight_decay: float
    """Weight decay: decoupled for adamw and muon, an L2 penalty for the others; never on norms and biases."""
    momentum: float
    """Momentum factor of momentum, nesterov, rmsprop (where it is 0 by default) and muon (0.95 where that is named)."""
    beta1: float
    """Adam's decay rate of the first moment."""
    beta2: float
    """Adam's decay rate of the second moment; rmsprop's smoothing constant (alpha; 0.99 by default)."""
    eps: float
    """Added to the denominator in adaptive optimisers, for numerical stability."""
    schedule: "Callable[..., object] | torch.optim.lr_scheduler.LRScheduler | Literal['constant', 'step', 'cosine', 'linear', 'one-cycle', 'wsd', 'plateau']"
    """Learning-rate schedule; plateau lowers the rate when the monitored validation metric no longer improves."""
    schedule_every: Literal["step", "epoch"] | None
    """How often a scheduler of torch is stepped; by default as its documentation says: OneCycleLR and CyclicLR at
    every step."""
    warmup: float
    """Linear warm-up: a share of the run if below 1, else steps. one-cycle warms up for 0.3 of the run where none is
    given."""
    lr_floor: float
    """Final learning rate of schedules that decay, as a share of lr."""
    step_size: float
    """For the step schedule: divide the rate by ten after every such share of the run."""
    plateau_patience: int
    """For plateau: evaluations without improvement before the rate is lowered."""
    plateau_factor: float
    """For plateau: factor by which the rate is lowered, down to lr_floor."""
    decay: float
    """For wsd (warm-up, stable, decay): share of the run at its end in which the rate decays."""
    clip: float
    """Clip gradients to this norm; 0 for no clipping."""
    clip_value: float
    """Clip gradient entries to this absolute value; 0 for no clipping."""
    ema: float
    """Decay of an exponential moving average (EMA) of the weights, which is evaluated and saved instead of them; 0
    for none."""
    epochs: float | None
    """Passes over the training rows; by default the recipe's value."""
    steps: int | None
    """Number of optimiser steps."""
    environment_steps: int | None
    """Of an environment: steps in all of environments= together, which are converted to steps= exactly (the plan
    says how)."""
    time_limit: float | str | None
    """Wall-clock limit of the whole run, from start-up to report, such as 90s, 10m, 1h30m; at least one step is
    taken, except of what is still to be played."""
    monitor: str | None
    """Validation metric that selects the best checkpoint; by default the task's."""
    mode: Literal["min", "max"] | None
    """Whether the smallest or the largest value of the monitored metric is best; known of most metrics, needed for
    others."""
    patience: int | str
    """Early stopping after this many evaluations without improvement (evaluate_every= says how far apart they are),
    or this long ("10 epochs", "500 steps", "30m"); 0 for none."""
    stop_at: float | None
    """End the run once the validation metric that chooses the best checkpoint has reached this value; by default
    never."""
    evaluate_every: float | str
    """How often to evaluate on the validation rows: "0.5 epochs", "500 steps", "60s"; a bare number counts epochs."""
    log_every: int
    """Steps between lines in metrics.jsonl."""
    checkpoint_every: float | str
    """Checkpoint interval: "500 steps", "1 epoch", "60s" (then also at an epoch's end, after a twentieth of it)."""
    doctor: bool
    """Look for faults while training, and say what is wrong, where and what to do; it does not change the weights."""
    classical: bool
    """Fit a classical model too where that takes seconds (tables: boosted trees; texts: TF-IDF), to compare the
    network with."""
    silence: str | Sequence[str]
    """Findings by name that are kept as notes and not shown as warnings, such as overfitting."""
    device: "str | torch.device"
    """cpu, cuda, cuda:1, mps; auto uses a GPU if there is one."""
    precision: Literal["fp32", "bf16", "fp16"]
    """bf16 and fp16 use autocast; fp16 (CUDA only) scales the loss. A recipe's bf16 is kept only where it is clearly
    faster."""
    compile: bool
    """Compile the step with torch.compile; needs a C++ compiler on CPUs."""
    threads: int | None
    """CPU threads per operation (torch.set_num_threads); by default chosen by timing a few steps."""
    deterministic: bool
    """Use deterministic operations only, and stop where there is none (matters on GPUs)."""
    seed: int
    """Random seed of everything: splits, initialisation, shuffling, augmentation, dropout."""
    out: str | PathLike[str] | None
    """Run folder; by default runs/<data>-<model>-<n>."""
    fresh: bool
    """Delete the run that the folder already holds, and start over."""
    quiet: bool
    """Print errors only, and on the command line the run's folder at its end."""
    log: str | Sequence[str]
    """Also log to an experiment tracker: wandb, mlflow, or both; TensorBoard files are always written, to
    RUN/events."""
    debug: bool
    """Show the full traceback of an error, not only its one-line message."""
    trust_code: bool
    """Run the code of a network that a run folder names, also where it was never named on this machine."""


class StepsKeywords(TypedDict, total=False):
    """Settings of `sonde.steps`: how a step is done."""

    batch_size: int
    """Rows per optimiser step, over all its micro-batches; a single row left over at an epoch's end joins the
    previous batch."""
    accumulate: int
    """Gradient accumulation: micro-batches that a batch is split into; the gradient is that of the whole batch."""
    workers: int | None
    """Worker processes that load data, or that environments step in; by default chosen for the machine. Results do
    not depend on it."""
    memory: str
    """Memory limit for resident data: a share of the free memory ("50%") or a size ("2GiB")."""
    optimizer: "Callable[..., object] | torch.optim.Optimizer | Literal['sgd', 'momentum', 'nesterov', 'rmsprop', 'adam', 'adamw', 'muon', 'adadelta', 'adafactor', 'adagrad', 'adamax', 'asgd', 'lbfgs', 'nadam', 'radam', 'rprop', 'sparseadam']"
    """Optimiser. Muon updates matrices and convolutions, AdamW the other parameters."""
    weight_decay: float
    """Weight decay: decoupled for adamw and muon, an L2 penalty for the others; never on norms and biases."""
    momentum: float
    """Momentum factor of momentum, nesterov, rmsprop (where it is 0 by default) and muon (0.95 where that is named)."""
    beta1: float
    """Adam's decay rate of the first moment."""
    beta2: float
    """Adam's decay rate of the second moment; rmsprop's smoothing constant (alpha; 0.99 by default)."""
    eps: float
    """Added to the denominator in adaptive optimisers, for numerical stability."""
    schedule: "Callable[..., object] | torch.optim.lr_scheduler.LRScheduler | Literal['constant', 'step', 'cosine', 'linear', 'one-cycle', 'wsd', 'plateau']"
    """Learning-rate schedule; plateau lowers the rate when the monitored validation metric no longer improves."""
    schedule_every: Literal["step", "epoch"] | None
    """How often a scheduler of torch is stepped; by default as its documentation says: OneCycleLR and CyclicLR at
    every step."""
    warmup: float
    """Linear warm-up: a share of the run if below 1, else steps. one-cycle warms up for 0.3 of the run where none is
    given."""
    lr_floor: float
    """Final learning rate of schedules that decay, as a share of lr."""
    step_size: float
    """For the step schedule: divide the rate by ten after every such share of the run."""
    plateau_patience: int
    """For plateau: evaluations without improvement before the rate is lowered."""
    plateau_factor: float
    """For plateau: factor by which the rate is lowered, down to lr_floor."""
    decay: float
    """For wsd (warm-up, stable, decay): share of the run at its end in which the rate decays."""
    clip: float
    """Clip gradients to this norm; 0 for no clipping."""
    clip_value: float
    """Clip gradient entries to this absolute value; 0 for no clipping."""
    ema: float
    """Decay of an exponential moving average (EMA) of the weights, which is evaluated and saved instead of them; 0
    for none."""
    device: "str | torch.device"
    """cpu, cuda, cuda:1, mps; auto uses a GPU if there is one."""
    precision: Literal["fp32", "bf16", "fp16"]
    """bf16 and fp16 use autocast; fp16 (CUDA only) scales the loss. A recipe's bf16 is kept only where it is clearly
    faster."""
    threads: int | None
    """CPU threads per operation (torch.set_num_threads); by default chosen by timing a few steps."""
    seed: int
    """Random seed of everything: splits, initialisation, shuffling, augmentation, dropout."""
    quiet: bool
    """Print errors only, and on the command line the run's folder at its end."""
    debug: bool
    """Show the full traceback of an error, not only its one-line message."""


class ResumeKeywords(TypedDict, total=False):
    """Settings of `sonde.resume`: what may change on the way."""

    workers: int | None
    """Worker processes that load data, or that environments step in; by default chosen for the machine. Results do
    not depend on it."""
    feed: Literal["auto", "resident", "streaming"]
    """Keep all rows in memory (resident) or stream them from disk; auto decides by size."""
    memory: str
    """Memory limit for resident data: a share of the free memory ("50%") or a size ("2GiB")."""
    epochs: float | None
    """Passes over the training rows; by default the recipe's value."""
    steps: int | None
    """Number of optimiser steps."""
    environment_steps: int | None
    """Of an environment: steps in all of environments= together, which are converted to steps= exactly (the plan
    says how)."""
    time_limit: float | str | None
    """Wall-clock limit of the whole run, from start-up to report, such as 90s, 10m, 1h30m; at least one step is
    taken, except of what is still to be played."""
    patience: int | str
    """Early stopping after this many evaluations without improvement (evaluate_every= says how far apart they are),
    or this long ("10 epochs", "500 steps", "30m"); 0 for none."""
    stop_at: float | None
    """End the run once the validation metric that chooses the best checkpoint has reached this value; by default
    never."""
    log_every: int
    """Steps between lines in metrics.jsonl."""
    checkpoint_every: float | str
    """Checkpoint interval: "500 steps", "1 epoch", "60s" (then also at an epoch's end, after a twentieth of it)."""
    doctor: bool
    """Look for faults while training, and say what is wrong, where and what to do; it does not change the weights."""
    classical: bool
    """Fit a classical model too where that takes seconds (tables: boosted trees; texts: TF-IDF), to compare the
    network with."""
    silence: str | Sequence[str]
    """Findings by name that are kept as notes and not shown as warnings, such as overfitting."""
    device: "str | torch.device"
    """cpu, cuda, cuda:1, mps; auto uses a GPU if there is one."""
    threads: int | None
    """CPU threads per operation (torch.set_num_threads); by default chosen by timing a few steps."""
    out: str | PathLike[str] | None
    """Run folder; by default runs/<data>-<model>-<n>."""
    fresh: bool
    """Delete the run that the folder already holds, and start over."""
    quiet: bool
    """Print errors only, and on the command line the run's folder at its end."""
    log: str | Sequence[str]
    """Also log to an experiment tracker: wandb, mlflow, or both; TensorBoard files are always written, to
    RUN/events."""
    debug: bool
    """Show the full traceback of an error, not only its one-line message."""
    trust_code: bool
    """Run the code of a network that a run folder names, also where it was never named on this machine."""
    environment_timeout: float
    """Seconds that a step or a reset of an environment may take before it counts as hanging; 0 for any time."""
    max_episode_steps: int | None
    """Steps after which an episode is truncated; by default the environment's own limit."""
