"""Identity providers that people are sent to. What they say is verified here and nowhere else."""
