"""Commands that show results: figures, analyses, submissions, the leaderboard."""
