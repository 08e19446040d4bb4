"""The study of the embedded model that ships: which decoder with which knobs, how sure that is, and what memory adds.

    python -m credit_viz.study                      what the shipped study says, from its data
    python -m credit_viz.study verify build/study   run the settings chosen in build/study/sweep on other prompts
    python -m credit_viz.study ship build/study     put both into assets/study, with the picture and the words

`make study` does all of it. scores.py: passes and exact match as arrays; conclusion.py: what is chosen, and what it
comes to; words.py: that in words; shipping.py: files; picture.py: the picture. Knows the lab and the figures; no page.
"""
