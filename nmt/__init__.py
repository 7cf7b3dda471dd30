"""Attention-GRU translation on TensorFlow: what is where.

`config` says what every key means (`yaml_lines` and `refusals` give its errors their
lines), `files` how one is replaced, `text` what a line is; `tokenizer` turns text into
ids (`subword_sampling` at random, `vetting` says if a file of it is ours),
`parallel_text` reads two files side by side, `corpus` keeps their ids as memory-mapped
`sequences`, `inspection` reports on its text, `batches` plans and serves them.
`attention`, `recurrence`, `cells` and `layers` hold the formulas, `precision` the types
that they are computed in and float16's loss scale, `parameters` the weights, `model`
the encoder and the decoder's one step; `search` is greedy, beam and sampling search
over any such step, with `continuations` for what may come next and `compaction` for
sentences that are done; `decoding` joins model and search, `ensemble` makes one model
of several, `scoring` looks at known translations, `translation` does it all for text:
`copying` and `wording` see to what the model cannot read or spell, `minimum_risk`
chooses. `loss`, `optimizer` and `update` are one training step, `validation` a look at
held-out text, `training` the loop that makes a run directory, `starting` how it begins:
`opening` is what it starts from, `recovery` finds the checkpoint that it goes on from,
`patience` is what follows from a validation, `saving` what a checkpoint is filled with,
`rehearsal` its worst batch and the dry run; `watch` looks at how updates went,
`divergence` judges, `rollback` goes back. `run` and `checkpoint` define that directory,
`changes` what may change between two starts; `interval` counts how it goes, `telling`
says it (of `examples` too), `progress` writes it to `terminal`, `events` and files;
`history` is how it went, `signals` how it is stopped. `translator` opens a run and
translates with it, `evaluation` scores, `hardware` is the machine, `cores` how an
update is shared out on a CPU, `cluster` the workers of a run and `distribution` one
model on many devices, `errors` what may go wrong, `cli` and its `cli_translation`,
`cli_scoring`, `cli_attention`, `cli_averaging`, `cli_export`, `cli_plot` and
`cli_report` the terminal, `cli_options` what these share. `averaging` makes one
checkpoint of several, `export` a SavedModel, whose graph has `graph_text`,
`graph_wording`, `graph_alignment` and `graph_copying`; `alignment` tells from attention
which words belong together, `looking` finds that of a translation, `drawing` draws it,
`plots` what `history` tells, `report` tells all of a run. Training and `translator`
never meet: the run directory is their contract.
"""
