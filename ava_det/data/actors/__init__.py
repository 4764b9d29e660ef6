"""The embedded default data set: rendered people whose actions only motion tells apart.

Read it in this order: `actions` (what is told apart, and why a frame does not tell it), `body` and
`figure` (what a person is), `scenes`, `script` and `casting` (who does what where), `render` (the
pictures and the boxes), `produce` (the videos). `ava_det.data.sets.actors` makes files of them.
"""
