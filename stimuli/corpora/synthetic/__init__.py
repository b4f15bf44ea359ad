"""mien's own audiovisual corpus: its actors say sentences in emotions, or are photographed.

`request` (what is wanted) -> `recordings` (one by one) -> `acting` (voice, face, head) -> `taking`
(files) -> `corpus` (table, datasheet, record).
"""
