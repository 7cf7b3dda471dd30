"""Attention-GRU translation on TensorFlow: what is where.

`config` says what every key means (`yaml_lines` and `refusals` give its errors their
lines), `text` what a line is; `tokenizer` turns text into ids, `corpus` keeps the ids
of a parallel corpus, `inspection` reports on its text, `batches` plans and serves them.
`attention`, `recurrence`, `cells` and `layers` hold the formulas, `parameters` the
weights, `model` the encoder and the decoder's one step; `search` is greedy and beam
search over any such step, `decoding` joins the two. `loss`, `optimizer` and `update`
are one training step, `validation` a look at held-out text, `training` the loop that
makes a run directory, which `run` defines; `progress` tells how it goes. `translation`
turns a run directory and new text into translations, `evaluation` scores them,
`hardware` is the machine, `errors` what may go wrong, `cli` the terminal. Training and
translation never meet: the run directory is their contract.
"""
