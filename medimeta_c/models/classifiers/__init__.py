"""Families of classifiers: networks with a trained head, and encoders whose head was left out."""
