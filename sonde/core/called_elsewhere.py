"""What other libraries call a setting -> what it is called here; for suggestions only: an unknown name is always refused."""

from collections.abc import Collection

TRAINING = {
    "learning_rate": "lr", "max_lr": "lr", "lr_max": "lr",
    "max_epochs": "epochs", "num_epochs": "epochs", "num_train_epochs": "epochs",
    "max_steps": "steps", "max_time": "time_limit", "early_stopping": "patience",
    "batch": "batch_size", "bs": "batch_size", "per_device_train_batch_size": "batch_size", "train_batch_size": "batch_size",
    "optim": "optimizer", "wd": "weight_decay", "warmup_steps": "warmup", "lr_scheduler_type": "schedule",
    "gradient_clip_val": "clip", "max_grad_norm": "clip", "clip_grad_norm": "clip", "grad_clip": "clip", "gradient_clip": "clip",
    "accumulate_grad_batches": "accumulate", "gradient_accumulation_steps": "accumulate", "grad_accum": "accumulate",
    "num_workers": "workers", "accelerator": "device", "gpu": "device", "amp": "precision", "random_state": "seed",
    "validation_data": "validation", "val": "validation", "eval_dataset": "validation", "validation_split": "validation",
    "val_split": "validation", "label": "target", "criterion": "loss", "loss_fn": "loss",
    "val_check_interval": "evaluate_every", "eval_steps": "evaluate_every", "eval_freq": "evaluate_every",
    "eval_every": "evaluate_every", "eval_interval": "evaluate_every",
    "save_steps": "checkpoint_every", "save_freq": "checkpoint_every", "checkpoint_freq": "checkpoint_every",
    "logging_steps": "log_every", "log_every_n_steps": "log_every", "log_interval": "log_every",
    "callbacks": "observers", "cbs": "observers", "arch": "model", "net": "model", "imgsz": "image_size", "size": "image_size",
    "output": "out", "output_dir": "out", "model_dir": "out", "default_root_dir": "out", "resume_from_checkpoint": "out",
    "force": "fresh", "overwrite": "fresh", "verbose": "quiet",
}  # fmt: skip
"""Of PyTorch Lightning, Hugging Face, Keras, scikit-learn, fastai, timm, Ultralytics."""

ACTING = {
    "total_timesteps": "environment_steps", "timesteps": "environment_steps", "num_timesteps": "environment_steps",
    "max_timesteps": "environment_steps", "total_steps": "environment_steps", "num_env_steps": "environment_steps",
    "num_envs": "environments", "n_envs": "environments", "num_environments": "environments",
    "algo": "task", "algorithm": "task", "policy": "model", "net_arch": "hidden", "hidden_sizes": "hidden",
    "gamma": "discount", "lam": "gae_lambda", "gae": "gae_lambda",
    "n_steps": "rollout return_steps", "n_step": "return_steps", "num_steps": "rollout", "n_rollout_steps": "rollout",
    "rollout_length": "rollout", "steps_per_env": "rollout",
    "n_epochs": "epochs reuse", "update_epochs": "reuse", "ppo_epochs": "reuse", "k_epochs": "reuse",
    "num_minibatches": "batch_size", "n_minibatches": "batch_size", "minibatch_size": "batch_size",
    "ent_coef": "entropy_weight target_entropy", "entropy_coef": "entropy_weight", "ent_coeff": "entropy_weight",
    "vf_coef": "value_weight", "value_coef": "value_weight", "value_loss_coef": "value_weight",
    "clip_coef": "clip_range", "clip_eps": "clip_range", "eps_clip": "clip_range", "clip_ratio": "clip_range",
    "clip_param": "clip_range", "clip_range_vf": "value_clip_range", "clip_vloss": "value_clip_range",
    "norm_adv": "scale_advantages", "normalize_advantage": "scale_advantages", "normalize_advantages": "scale_advantages",
    "norm_obs": "scale_observations", "normalize_observations": "scale_observations", "norm_reward": "scale_rewards",
    "normalize_rewards": "scale_rewards", "anneal_lr": "schedule",
    "learning_starts": "warmup_steps", "start_steps": "warmup_steps", "random_steps": "warmup_steps",
    "buffer_size": "replay", "replay_size": "replay", "memory_size": "replay", "replay_buffer_size": "replay",
    "train_freq": "train_every", "train_frequency": "train_every", "update_every": "train_every",
    "gradient_steps": "updates_together train_every",
    "tau": "follow_share", "polyak": "follow_share",
    "target_update_interval": "target_every", "target_network_frequency": "target_every", "target_update_freq": "target_every",
    "exploration_fraction": "explore_steps", "epsilon_decay": "explore_steps", "eps_decay": "explore_steps",
    "exploration_final_eps": "explore_last", "end_e": "explore_last", "epsilon_end": "explore_last", "eps_end": "explore_last",
    "exploration_noise": "explore_noise", "action_noise": "explore_noise",
    "policy_noise": "smooth_noise", "target_policy_noise": "smooth_noise",
    "noise_clip": "smooth_limit", "target_noise_clip": "smooth_limit",
    "policy_frequency": "policy_every", "policy_delay": "policy_every",
    "n_atoms": "atoms", "n_quantiles": "quantiles", "v_min": "value_range", "v_max": "value_range",
    "prioritized_replay": "priority", "per_alpha": "priority", "per_beta": "priority_correction",
    "n_eval_episodes": "episodes test_episodes", "eval_episodes": "episodes test_episodes",
    "num_simulations": "simulations", "n_simulations": "simulations", "mcts_simulations": "simulations",
}  # fmt: skip
"""Of Stable-Baselines3, CleanRL, Spinning Up, Tianshou and RLlib; several names where it depends on the task."""

THE_DATA = ("env", "env_id", "env_name", "gym_id")
"""What other libraries call the environment, which is the data here."""

NOT_HERE = {
    **dict.fromkeys(
        ("use_sde", "use_sde_at_warmup", "sde_sample_freq"),
        "exploration that depends on the state (gSDE) is not here: actions are drawn anew at each step; leave it out",
    ),
}
"""What other libraries have and is not here, and what is to be done."""

CALLED: dict[str, tuple[str, ...]] = {name: tuple(here.split()) for name, here in {**TRAINING, **ACTING}.items()}
"""Name of a setting elsewhere, with underscores -> its names here."""


_UPDATES = "in updates, and not in steps of the environments"
_DURATION = 'written as "500 steps", since a number alone is another unit'
_STEPS = "in steps of the environments, and not a share of the run or of what is left"
OTHERWISE: dict[tuple[str, str], str] = {
    **{(name, "evaluate_every"): _DURATION for name, here in CALLED.items() if here == ("evaluate_every",)},
    **{(name, "checkpoint_every"): _DURATION for name, here in CALLED.items() if here == ("checkpoint_every",)},
    **{(name, "explore_steps"): _STEPS for name in ("exploration_fraction", "epsilon_decay", "eps_decay")},
    **{
        (name, "target_every"): _UPDATES
        for name in ("target_update_interval", "target_network_frequency", "target_update_freq")
    },
    ("polyak", "follow_share"): "how far the targets move; Spinning Up's is what they keep, 1 minus that",
    ("ent_coef", "target_entropy"): "the entropy that is aimed at, by which the weight follows",
    ("prioritized_replay", "priority"): "a power, such as 0.6",
}
"""(Name elsewhere, name here) -> how what is given here is another quantity, or in another unit."""


def otherwise(name: str, here: str) -> str:
    """What is to be told behind the setting's name here; "" where it means the same.

    >>> otherwise("polyak", "discount"), otherwise("prioritized_replay", "priority")
    ('', ' (a power, such as 0.6)')
    """
    return f" ({OTHERWISE[name, here]})" if (name, here) in OTHERWISE else ""


def called_here(name: str, known: Collection[str]) -> list[str]:
    """The settings, of those that are known, that others call so.

    >>> called_here("gamma", {"discount", "lr"}), called_here("n_steps", {"rollout", "return_steps"}), called_here("lr", {"lr"})
    (['discount'], ['rollout', 'return_steps'], [])
    """
    return [here for here in CALLED.get(name, ()) if here in known]
