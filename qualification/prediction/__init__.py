"""The win probability: learned from outcomes with scikit-learn, used in plain Python.

`fit`, `guard` and `drift` need numpy and scikit-learn and run where a model is trained; `encode` and `predictor`
need neither, so that the processes that score leads stay small.
"""
