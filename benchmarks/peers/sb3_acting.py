"""Stable-Baselines3 in an environment, with the settings that its authors tuned for it (RL Baselines3 Zoo).

python sb3_acting.py ENVIRONMENT ALGORITHM STEPS SEED MARK -> a line of JSON, see benchmarks/acting.py
"""

import json
import sys
import time

import numpy as np
import torch
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import VecNormalize

KINDS = {"ppo": PPO, "a2c": A2C, "dqn": DQN, "sac": SAC, "td3": TD3}


def falling(rate):
    return lambda left: left * rate


# github.com/DLR-RM/rl-baselines3-zoo, hyperparams/{ppo,a2c,dqn,sac,td3}.yml: environments, whether they are normalised, settings
TUNED = {
    ("CartPole-v1", "ppo"): (8, False, {"n_steps": 32, "batch_size": 256, "gae_lambda": 0.8, "gamma": 0.98, "n_epochs": 20,
                                        "ent_coef": 0.0, "learning_rate": falling(1e-3), "clip_range": falling(0.2)}),
    ("Acrobot-v1", "ppo"): (16, True, {"n_steps": 256, "gae_lambda": 0.94, "gamma": 0.99, "n_epochs": 4, "ent_coef": 0.0}),
    ("MountainCar-v0", "ppo"): (16, True, {"n_steps": 16, "gae_lambda": 0.98, "gamma": 0.99, "n_epochs": 4, "ent_coef": 0.0}),
    ("LunarLander-v3", "ppo"): (16, False, {"n_steps": 1024, "batch_size": 64, "gae_lambda": 0.98, "gamma": 0.999,
                                            "n_epochs": 4, "ent_coef": 0.01}),
    ("CartPole-v1", "dqn"): (1, False, {"learning_rate": 2.3e-3, "batch_size": 64, "buffer_size": 100_000,
                                        "learning_starts": 1000, "gamma": 0.99, "target_update_interval": 10,
                                        "train_freq": 256, "gradient_steps": 128, "exploration_fraction": 0.16,
                                        "exploration_final_eps": 0.04, "policy_kwargs": {"net_arch": [256, 256]}}),
    ("MountainCar-v0", "dqn"): (1, False, {"learning_rate": 4e-3, "batch_size": 128, "buffer_size": 10_000,
                                           "learning_starts": 1000, "gamma": 0.98, "target_update_interval": 600,
                                           "train_freq": 16, "gradient_steps": 8, "exploration_fraction": 0.2,
                                           "exploration_final_eps": 0.07, "policy_kwargs": {"net_arch": [256, 256]}}),
    ("CartPole-v1", "a2c"): (8, False, {"ent_coef": 0.0}),
    ("Pendulum-v1", "sac"): (1, False, {"learning_rate": 1e-3}),
    ("Pendulum-v1", "td3"): (1, False, {"gamma": 0.98, "buffer_size": 200_000, "learning_starts": 10_000, "train_freq": 1,
                                        "gradient_steps": 1, "learning_rate": 1e-3, "policy_kwargs": {"net_arch": [400, 300]},
                                        "action_noise": NormalActionNoise(np.zeros(1), np.full(1, 0.1))}),
}  # fmt: skip


class Watch(BaseCallback):
    """When the last 100 episodes first returned the mark, and how they went on."""

    def __init__(self, mark):
        super().__init__()
        self.mark, self.reached, self.curve = mark, None, []

    def _on_training_start(self):
        self.begun = time.perf_counter()

    def _on_step(self):
        recent = self.model.ep_info_buffer
        if len(recent) == 100 and self.reached is None and any(self.locals["dones"]):
            mean = sum(each["r"] for each in recent) / 100
            if mean >= self.mark:
                self.reached = {"seconds": time.perf_counter() - self.begun, "steps": self.num_timesteps}
        if recent and self.num_timesteps // 5000 > len(self.curve):
            self.curve.append([self.num_timesteps, sum(each["r"] for each in recent) / len(recent)])
        return True


def returned(model, name, seed, scaled):
    """The return of the episode of a seed, as Sonde's test episodes are. scaled: environments that have its scales"""
    env = make_vec_env(name, n_envs=1, seed=seed)
    if scaled is not None:
        env = VecNormalize(env, training=False, norm_reward=False)
        env.obs_rms = scaled.obs_rms
    return evaluate_policy(model, env, n_eval_episodes=1, deterministic=True)[0]


def main():
    name, algorithm, steps, seed, mark = (
        sys.argv[1],
        sys.argv[2],
        int(sys.argv[3]),
        int(sys.argv[4]),
        float(sys.argv[5]),
    )
    torch.set_num_threads(1)
    count, scaled, settings = TUNED[name, algorithm]
    env = make_vec_env(name, n_envs=count, seed=seed)
    if scaled:
        env = VecNormalize(env)
    model = KINDS[algorithm]("MlpPolicy", env, seed=seed, device="cpu", **settings)
    watch, begun = Watch(mark), time.perf_counter()
    model.learn(steps, callback=watch)
    seconds = time.perf_counter() - begun
    found = np.mean([returned(model, name, 2_000_000 + each, env if scaled else None) for each in range(100)])
    print(json.dumps({"seconds": seconds, "steps": model.num_timesteps, "to mark": watch.reached,
                      "return": float(found), "curve": watch.curve}))  # fmt: skip


main()
