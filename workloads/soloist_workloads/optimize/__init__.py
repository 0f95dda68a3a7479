"""Converts a fetched model to another form, and judges whether the form answers as the model does.

    fetch ─▶ attempt ─▶ a process of its own, bounded in time and memory: judge ─▶ rows, probes
                │                                                          ├─▶ convert
                └─▶ verdict, and the graph if it was taken, beside the model ◀─ parity

Whatever goes wrong in there, the verdict is "not taken" with its reason, and the model is served as it is.
"""
