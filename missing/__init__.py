"""What workflows need and the server lacks, with the remedy; models fetched when that is asked.

Behind `Discomfort.check` and `Discomfort.fetch_models`. What is missing is decided in
`graph/needs/`.
"""
