"""Where bars come from: files and frames, brought to one shape, every repair a finding."""
