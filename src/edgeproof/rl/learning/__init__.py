"""PPO for populations: networks of all members as one tensor, rollouts, losses, gradient steps, threads."""
