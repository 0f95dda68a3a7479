"""What a model tells about itself: an OpenAPI document and a page to try it on.

    MLmodel ─▶ sides ─▶ forms ─┐
    input example ─▶ examples ─┴─▶ document ─▶ /openapi.json ─▶ the page at /docs, in a browser

All of it is made once, while the model loads; a request for it costs a copy. The model's author wrote the names in it,
so nothing here trusts them, and nothing that is wrong with them keeps a model from being served.
"""
