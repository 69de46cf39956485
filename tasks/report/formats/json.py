"""The report as the JSON document that others rely on."""

from __future__ import annotations

from tasks.report.formats import Format

FORMAT = Format(suffix="json", render=None)
