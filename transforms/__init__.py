"""The stages: one module or package each, a pure function first and a thin Beam transform around it."""
