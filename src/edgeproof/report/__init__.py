"""Pages and console text for people: verdicts, runs, the demo; made of the same parts, from plain data."""
