"""Bulk actions: one decision on a frozen list of cases, previewed, confirmed, run in chunks, taken back.

`prepare` freezes the list; `judging` weighs its cases chunk by chunk; `preview` counts and seals what was frozen;
`choose` lets high-profile accounts in; `confirm` takes the author's and the second person's word; `control` pauses,
resumes, cancels and stops; `work` does the next chunk, `apply` or `take_back`, under a lease; `limits` says when to
stop.
"""
