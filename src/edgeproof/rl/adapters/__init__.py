"""Our environments as others know them: Gymnasium, PettingZoo, Stable-Baselines3; each loaded when it is asked for."""
