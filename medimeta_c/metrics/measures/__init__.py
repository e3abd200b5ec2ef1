"""Other measures than top-1 accuracy, on the same resamples: balanced accuracy and macro AUROC."""
