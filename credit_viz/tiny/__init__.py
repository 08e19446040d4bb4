"""The embedded model: synthetic tasks, tokenizer, training, evaluation."""
