"""CartPole that shows where cart and pole are and not how fast they move: it takes memory to balance it."""

import gymnasium
import numpy as np
from gymnasium import spaces


class Masked(gymnasium.ObservationWrapper):
    def __init__(self, env):
        super().__init__(env)
        whole = env.observation_space
        self.observation_space = spaces.Box(whole.low[[0, 2]], whole.high[[0, 2]], dtype=np.float32)

    def observation(self, observation):
        return observation[[0, 2]]


def masked(**settings):
    return Masked(gymnasium.make("CartPole-v1", **settings).unwrapped)


gymnasium.register("MaskedCartPole-v0", entry_point=masked, max_episode_steps=500)
