"""A bilingual grammar that makes the sample corpus; knows nothing of translators.

marks        which words of a sentence say what in the other language
vocabulary   the words, as tables
verbs        the verbs, as tables
english      English forms
lexicon      the tables as records: nouns, verbs, adjectives, places
german       German forms: articles, endings, participles, number words
grammar      noun phrases and clauses in both languages; word order
moments      dates and times that suit a tense
choices      who sensibly does what to which thing, where and when
simple       kinds of statements with one clause
times        ... about numbers, dates and times
questions    kinds of questions and commands
compound     kinds of sentences with two clauses
"""
