"""The embedded default data set: rendered people whose actions differ in motion only.

Read the modules in this order: `actions` (the classes, and why a single frame does not show them),
`body` and `figure` (a person), `scenes` (the places), `script` and `casting` (the people, actions
and places of a video), `render` (pictures and boxes), `produce` (videos).
`ava_det.data.sets.actors` writes the files.
"""
