"""Rank before you run: a regression language model that reads a candidate as text and predicts its metric.

`prerank.surrogate` is the model, `prerank.search_spaces` the candidates, `prerank.integrations` the tools that search.
"""
