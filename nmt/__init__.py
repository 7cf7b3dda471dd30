"""Attention-GRU translation on TensorFlow.

Text becomes ids (`tokenizer`, `corpus`, `batches`), these become a run directory
(`model`, `update`, `training`, `run`), and that becomes translations (`search`,
`translation`, `translator`). Training and `translator` never meet: the run directory is
their contract. The README, "Where is what", has every file.
"""
