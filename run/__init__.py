"""The rooms behind `Discomfort.run`, `plan` and `stream`."""
