"""The official MedMNIST-C: import its files as a benchmark."""
