"""What runs inside pods: the step runner, the source and model fetchers, and the serving runtime.

Nothing here imports the operator, and the operator imports nothing here: the two meet in environment
variables (`environment.py`) and in one last line of a step's log (`step/outcome.py`).
"""
