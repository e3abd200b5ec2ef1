"""Score many wordings of a model's prompts on image embeddings that are computed once."""
