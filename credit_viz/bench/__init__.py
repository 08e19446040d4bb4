"""`make bench`: speed and memory as ratios inside one run. Knows decoding, models and traces; no page, no plot.

Absolute times say more about a machine than about a decoder, so every figure is a ratio of medians whose two sides
were measured in alternation.
"""
