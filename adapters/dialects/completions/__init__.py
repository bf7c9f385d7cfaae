"""OpenAI's legacy completions: a prompt, or several, to be continued; base models speak nothing else."""
