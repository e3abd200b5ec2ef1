"""The leaderboard's site: submissions read, measured and written as static files."""
